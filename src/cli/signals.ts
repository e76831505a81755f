/** Signals that end long work in an orderly way. */
import { constants } from 'node:os';
import { isLmError } from '../errors.ts';

/**
 * Of a person (Ctrl-C), of the system, of a terminal that is closed, and those by which schedulers of
 * clusters warn of the end.
 */
const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const;

/** How a command takes signals. */
interface Taking {
  /** What the first one does, to be told; default: stopping after this step. */
  readonly stopping?: string;
  /** Those that mean something else to the work, which sees to them itself. */
  readonly others?: readonly NodeJS.Signals[];
}

/** Those that end the process at once when they come again. */
const insistent: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** Within so many milliseconds several are one: terminals and npx both send Ctrl-C, shells pass SIGHUP on. */
const onceMs = 200;

/**
 * Runs work that a signal aborts; its name is the reason. SIGINT or SIGTERM that come again end the process
 * at once, as if nobody had handled them.
 *
 * @example
 * await withSignals((signal) => train(model, data, { signal }));
 */
export async function withSignals<T>(
  work: (signal: AbortSignal) => PromiseLike<T>,
  { stopping = 'stopping after this step', others = [] }: Taking = {},
): Promise<T> {
  const controller = new AbortController();
  const ending = names.filter((name) => !others.includes(name));
  let abortedAt = 0;
  const release = (): void => {
    for (const name of ending) process.off(name, onSignal);
  };
  const onSignal = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      abortedAt = performance.now();
      process.stderr.write(`\n${name}: ${stopping}; once more to stop at once\n`);
      controller.abort(name);
    } else if (insistent.includes(name) && performance.now() - abortedAt > onceMs) {
      release();
      if (process.stderr.isTTY) process.stderr.write('\x1b[?25h'); // the cursor, which a progress bar hides
      process.kill(process.pid, name);
    }
  };
  for (const name of ending) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    release();
  }
}

/**
 * The exit code of work that ended with an error: 128 and the number of the signal that aborted it (SIGINT
 * 130, SIGTERM 143), else that of the error.
 */
export function exitCodeOf(error: unknown): number {
  if (!isLmError(error)) return 1;
  const signal = names.find((name) => error.code === 'ERR_ABORTED' && error.cause === name);
  return signal === undefined ? error.exitCode : 128 + constants.signals[signal];
}
