import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { dist, temporaryFolder } from '../support/libtorch.ts';
import { freePort, runRanks } from '../support/ranks/processes.ts';

const program = fileURLToPath(new URL('../support/programs/ranks.mjs', import.meta.url));

interface Told {
  readonly code?: string;
  readonly message?: string;
}

async function run(
  world: number,
  what: string,
  who = 0,
  options: Parameters<typeof runRanks>[2] = {},
): Promise<Told[]> {
  const ends = await runRanks(world, [program, dist, what, String(who)], options);
  return ends.map(({ stdout }) => (stdout === '' ? {} : (JSON.parse(stdout) as Told)));
}

/** Clients that are connected to a port of this machine. */
function connections(port: number): number {
  const to = `:${port.toString(16).toUpperCase().padStart(4, '0')} 01 `; // established
  const sockets = readFileSync('/proc/net/tcp', 'latin1') + readFileSync('/proc/net/tcp6', 'latin1');
  return sockets.split(to).length - 1;
}

/** Passes on all that comes, to a port of this machine and back, so many milliseconds later. */
async function slowRelay(to: number, delay: number): Promise<Server> {
  const pass = (from: Socket, other: Socket): void => {
    from.on('data', (data) => setTimeout(() => other.write(data), delay));
    from.on('close', () => setTimeout(() => other.destroy(), delay)).on('error', () => {});
  };
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1').setNoDelay();
    pass(near.setNoDelay(), far);
    pass(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const brief = (): NodeJS.ProcessEnv => ({ TIMEOUT: '2' });

describe('joinRanks', () => {
  it('sums over all ranks, and lets them read what each has to say', async () => {
    const told = [0, 1, 2].map((rank) => ({ rank, text: 'é'.repeat(rank) }));
    expect(await run(3, 'sum')).toEqual(Array(3).fill({ sum: [3, 3, 1.5], told, bytes: 24 }));
  });

  it("names the ranks that do not come, in the file of torchrun's agent too", async () => {
    const file = join(temporaryFolder(), 'error.json');
    const env = { TIMEOUT: '1', WORLD_SIZE: '3', TORCHELASTIC_ERROR_FILE: file };
    const [first] = await run(1, 'sum', 0, { env: () => env });
    expect(first).toEqual({
      code: 'ERR_RANKS',
      message: expect.stringContaining('ranks 1 and 2 have not come'),
    });
    const { message } = JSON.parse(readFileSync(file, 'utf8'));
    expect(message.message).toBe(`ERR_RANKS: ${first?.message}`);
    expect(message.extraInfo.timestamp).toMatch(/^\d{10}$/);
  });

  it.each([
    ['a rank that comes twice', { RANK: '0', TORCHELASTIC_USE_AGENT_STORE: 'True' }, 'rank 0 came twice'],
  ])('refuses %s', async (_, env, words) => {
    const ends = await run(2, 'sum', 0, { env: (rank) => ({ ...brief(), ...(rank === 1 ? env : {}) }) });
    expect(ends.some(({ message = '' }) => message.includes(words))).toBe(true);
    expect(ends.map(({ code }) => code)).toEqual(['ERR_RANKS', 'ERR_RANKS']);
  });

  it.each([
    ['2', '3'],
    ['3', '2'],
  ])('tells all ranks of worlds of %s and %s', async (first, second) => {
    const ends = await run(2, 'sum', 0, {
      env: (rank) => ({ TIMEOUT: '30', WORLD_SIZE: rank === 0 ? first : second }),
    });
    const message = `Expected a world of ${first} ranks, as rank 0 was told, but rank 1 was told ${second}`;
    expect(ends).toEqual(Array(2).fill({ code: 'ERR_RANKS', message }));
  });

  it('names a port that is taken, and a master that cannot be reached', async () => {
    const port = await freePort();
    const server = createServer().listen(port);
    const [first] = await run(1, 'sum', 0, { port, env: () => ({ ...brief(), WORLD_SIZE: '2' }) });
    server.close();
    expect(first).toMatchObject({
      code: 'ERR_RANKS',
      message: expect.stringContaining(`received ${port}, which is`),
    });
    const free = await freePort();
    const [second] = await run(1, 'sum', 0, {
      port: free,
      env: () => ({ ...brief(), RANK: '1', WORLD_SIZE: '2' }),
    });
    expect(second).toMatchObject({
      code: 'ERR_RANKS',
      message: expect.stringContaining(`127.0.0.1:${free}`),
    });
  });

  it('tells every rank what differs', async () => {
    const message =
      'Expected the same `settings.lr` on all ranks but received 0.1 on rank 0 and 0.2 on rank 1';
    expect(await run(3, 'agree', 1)).toEqual(Array(3).fill({ code: 'ERR_RANKS', message }));
  });

  it.each([
    ['is killed', 'die', 1, 'rank 1 does not answer', 60],
    ['is killed, and hosted the store', 'die', 0, 'rank 0 ended', 60],
    ['hangs', 'hang', 1, 'rank 1 does not answer', 4],
    ['fails', 'fail', 1, 'rank 1 failed: the disk is full', 60],
    ['fails while they wait for its words', 'failBeforeGathering', 0, 'rank 0 failed: the disk is full', 60],
  ])('tells the others of a rank that %s', async (_, what, who, words, timeout) => {
    const frozen = what === 'hang' ? who : undefined;
    const ends = await run(3, what, who, { frozen, env: () => ({ TIMEOUT: String(timeout) }) });
    const others = ends.filter((__, rank) => rank !== who);
    const lost = { code: 'ERR_RANKS', message: expect.stringContaining(words) };
    expect(others).toEqual([lost, lost]);
  });

  it('names only the rank that is lost, where the store answers late', async () => {
    const port = await freePort();
    const relay = await slowRelay(port, 20);
    const far = String((relay.address() as AddressInfo).port);
    try {
      const ends = await run(3, 'die', 1, { port, env: (rank) => (rank === 2 ? { MASTER_PORT: far } : {}) });
      const message = expect.stringContaining('rank 1 does not answer');
      expect([ends[0], ends[2]]).toEqual(Array(2).fill({ code: 'ERR_RANKS', message }));
    } finally {
      relay.close();
    }
  });

  it('names rank 0 that is killed while the others come', async () => {
    const port = await freePort();
    const there = { MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port), RANK: '0', WORLD_SIZE: '3' };
    const first = spawn(process.execPath, [program, dist, 'sum'], {
      env: { ...process.env, ...there },
      stdio: 'ignore',
    });
    const end = setInterval(() => connections(port) > 1 && first.kill('SIGKILL'), 500);
    try {
      const [second] = await run(1, 'sum', 1, { port, env: () => ({ RANK: '1', WORLD_SIZE: '3' }) });
      expect(second).toEqual({
        code: 'ERR_RANKS',
        message: expect.stringContaining('rank 0 ended, hangs or cannot be reached'),
      });
    } finally {
      clearInterval(end);
      first.kill('SIGKILL');
    }
  });

  it("meets anew at an agent's store, however many there are and who came before", async () => {
    const port = await freePort();
    const there = { MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port), RANK: '0', WORLD_SIZE: '2' };
    const env = { ...process.env, ...there, TORCHELASTIC_RUN_ID: 'agent' };
    const agent = spawn(process.execPath, [program, dist, 'sum'], { env, stdio: 'ignore' }); // waits for another
    const round = (world: number, what: string, told: (rank: number) => NodeJS.ProcessEnv = () => ({})) => {
      const elastic = { TORCHELASTIC_USE_AGENT_STORE: 'True', TORCHELASTIC_RUN_ID: 'job' };
      return run(world, what, 1, { port, env: (rank) => ({ ...elastic, ...told(rank) }) });
    };
    try {
      expect(await round(2, 'die')).toMatchObject([{ code: 'ERR_RANKS' }, {}]);
      // agents count their own restarts; who comes before rank 0 finds what the last round has left
      const late = (rank: number) => ({
        DELAY: rank === 0 ? '1000' : '0',
        TORCHELASTIC_RESTART_COUNT: String(rank),
      });
      expect(await round(2, 'sum', late)).toMatchObject(Array(2).fill({ bytes: 24 }));
      expect(await round(1, 'sum', () => ({ ...brief(), WORLD_SIZE: '2' }))).toMatchObject([
        { code: 'ERR_RANKS' },
      ]);
      expect(await round(3, 'sum', late)).toMatchObject(Array(3).fill({ bytes: 24 }));
    } finally {
      agent.kill('SIGKILL');
    }
  });
});
