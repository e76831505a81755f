/** Processes that are the ranks of one training, on this host. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** What became of a rank. */
export interface RankEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RankOptions {
  readonly port?: number;
  /** Variables of one rank, beside those of torchrun. */
  readonly env?: (rank: number) => NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/**
 * Starts a Node for every rank, with the variables of torchrun, and waits for those that end; the others are
 * killed as soon as these have.
 *
 * @param frozen a rank that is not waited for.
 */
export async function runRanks(
  world: number,
  args: readonly string[],
  options: RankOptions & { readonly frozen?: number | undefined } = {},
): Promise<RankEnd[]> {
  const port = options.port ?? (await freePort());
  const children: ChildProcess[] = [];
  const end = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  process.once('exit', end);
  const ended = Array.from({ length: world }, (_, rank) => {
    const env = {
      ...process.env,
      RANK: String(rank),
      WORLD_SIZE: String(world),
      LOCAL_RANK: String(rank),
      MASTER_ADDR: '127.0.0.1',
      MASTER_PORT: String(port),
      ...options.env?.(rank),
    };
    const child = spawn(process.execPath, args, { env, cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => {
      said.stdout += data;
    });
    child.stderr.on('data', (data) => {
      said.stderr += data;
    });
    if (rank === options.frozen) return Promise.resolve({ code: null, ...said });
    return new Promise<RankEnd>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, ...said }));
    });
  });
  try {
    return await Promise.all(ended);
  } finally {
    end();
    process.off('exit', end);
  }
}
