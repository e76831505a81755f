// The same in a worker thread, twice one after the other.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const [, , picture, run] = process.argv;
for (const part of ['a', 'b']) {
  const worker = new Worker(new URL('./use.mjs', import.meta.url), { argv: [picture, `${run}-${part}`] });
  const exit = once(worker, 'exit');
  const [message] = await once(worker, 'message');
  if (message !== 'done') throw new Error('the worker did not end well');
  await exit;
}
