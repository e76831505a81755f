/** Starts the ranks of one host, and sees to their end. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ensureFolder, fileError } from '../../files.ts';

/** What is to be started. */
export interface Launch {
  /** Program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** The variables of each rank of this host, in order. */
  readonly ranks: readonly NodeJS.ProcessEnv[];
  /** Folder in which what each rank says is kept: rank-0.log and so on; made where there is none. */
  readonly logs?: string | undefined;
}

/** How a rank ended. */
interface End {
  readonly rank: string;
  /** Its exit code; 128 and the number of the signal that ended it. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
}

/** From the end of the first rank that fails the others have so long to end by themselves, then to obey. */
const graceMs = 12_000;
const obeyMs = 5_000;

/** Signals that ranks get too. */
const passed = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const;

/**
 * Starts all ranks and waits for their end. The first has standard output as it is; what others say goes to
 * standard error, with their number before it. Where one fails the others are ended.
 *
 * @returns the exit code of the first that failed; 0 where none did.
 */
export async function launchRanks({ command: [file, ...args], ranks, logs }: Launch): Promise<number> {
  const kept = logs === undefined ? [] : await openLogs(logs, ranks);
  const children = ranks.map((env, i) => {
    const isShown = i === 0 && logs === undefined; // on a terminal it may draw
    const stdio = ['inherit', isShown ? 'inherit' : 'pipe', 'pipe'] as const;
    return spawn(file, args, { env: { ...process.env, ...env }, stdio: [...stdio] });
  });
  const pass = (name: NodeJS.Signals): void => {
    for (const child of children) child.kill(name);
  };
  for (const name of passed) process.on(name, pass);
  let first: End | undefined;
  const timers: NodeJS.Timeout[] = [];
  try {
    await Promise.all(
      children.map(async (child, i) => {
        const rank = ranks[i]?.RANK ?? String(i);
        const say = i === 0 ? '' : `rank ${rank}: `;
        const told = Promise.all([
          tell(child.stderr, process.stderr, say, kept[i]),
          tell(child.stdout, i === 0 ? process.stdout : process.stderr, say, kept[i]),
        ]);
        const end = await endOf(child, rank);
        await told;
        if (end.code === 0 || first !== undefined) return;
        first = end;
        if (children.length > 1) process.stderr.write(`${inWords(end)}; ending the others\n`);
        timers.push(setTimeout(() => pass('SIGTERM'), graceMs));
        timers.push(setTimeout(() => pass('SIGKILL'), graceMs + obeyMs));
      }),
    );
  } finally {
    for (const timer of timers) clearTimeout(timer);
    for (const name of passed) process.off(name, pass);
    await Promise.all(kept.map(written));
  }
  return first?.code ?? 0;
}

function endOf(child: ChildProcess, rank: string): Promise<End> {
  return new Promise((resolve) => {
    child.on('error', ({ message }) => {
      process.stderr.write(`rank ${rank} cannot be started: ${message}\n`);
      resolve({ rank, code: 127, signal: null });
    });
    child.on('exit', (code, signal) => {
      resolve({ rank, code: code ?? 128 + constants.signals[signal ?? 'SIGKILL'], signal });
    });
  });
}

function inWords({ rank, code, signal }: End): string {
  return signal === null
    ? `rank ${rank} ended with exit code ${code}`
    : `rank ${rank} was ended by ${signal}`;
}

/**
 * A file for what each rank says.
 *
 * @throws ERR_FILE when the file system refuses.
 */
async function openLogs(folder: string, ranks: Launch['ranks']): Promise<WriteStream[]> {
  try {
    await ensureFolder(folder);
    const paths = ranks.map(({ RANK }, i) => join(folder, `rank-${RANK ?? i}.log`));
    const files = await Promise.all(paths.map((path) => open(path, 'w')));
    return files.map((file) => file.createWriteStream().on('error', () => {})); // a full disk ends no training
  } catch (error) {
    throw fileError(error, 'a writable folder', folder);
  }
}

/** Ends a log, and waits until the file has all of it or cannot have it. */
async function written(log: WriteStream): Promise<void> {
  log.end();
  await finished(log).catch(() => undefined);
}

/** Passes lines on, with words before them where they are shown; without words all as it comes. */
async function tell(from: Readable | null, shown: Writable, words: string, kept?: Writable): Promise<void> {
  if (from === null) return;
  from.on('data', (piece) => kept?.write(piece));
  if (words === '') {
    for await (const piece of from) shown.write(piece);
    return;
  }
  for await (const line of createInterface({ input: from })) shown.write(`${words}${line}\n`);
}
