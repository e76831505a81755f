/**
 * Runs work that SIGINT and SIGTERM abort; a second signal ends the process at once.
 *
 * @example
 * await withSignals((signal) => train(model, data, { signal }));
 */
export async function withSignals<T>(work: (signal: AbortSignal) => PromiseLike<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${name}: stopping after this step; once more to stop at once\n`);
    controller.abort(name);
  };
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
  for (const name of signals) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, onSignal);
  }
}
