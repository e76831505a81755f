/**
 * Runs work that SIGINT and SIGTERM abort; a second signal ends the process at once, as if nobody had handled
 * it.
 *
 * @param stopping what the first one does, to be told.
 * @example
 * await withSignals((signal) => train(model, data, { signal }));
 */
export async function withSignals<T>(
  work: (signal: AbortSignal) => PromiseLike<T>,
  stopping = 'stopping after this step',
): Promise<T> {
  const controller = new AbortController();
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
  const release = (): void => {
    for (const name of signals) process.off(name, onSignal);
  };
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      release();
      if (process.stderr.isTTY) process.stderr.write('\x1b[?25h'); // the cursor, which a progress bar hides
      process.kill(process.pid, name);
      return;
    }
    process.stderr.write(`\n${name}: ${stopping}; once more to stop at once\n`);
    controller.abort(name);
  };
  for (const name of signals) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    release();
  }
}
