/** One listener for a signal, however many requests it aborts: Node warns of a leak where there are many. */

/** What is to be called, by signal. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once, when a signal aborts.
 *
 * @returns what takes that back.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const all = waiting.get(signal) ?? listened(signal);
  all.add(act);
  return () => {
    all.delete(act);
    if (all.size === 0) forget(signal);
  };
}

function listened(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  waiting.set(signal, all);
  signal.addEventListener('abort', abort);
  return all;
}

function abort(this: AbortSignal): void {
  const all = waiting.get(this) ?? new Set();
  forget(this);
  for (const act of all) act();
}

function forget(signal: AbortSignal): void {
  waiting.delete(signal);
  signal.removeEventListener('abort', abort);
}
