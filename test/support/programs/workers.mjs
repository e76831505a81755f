/** Two workers train at once, then end by themselves. Prints their losses. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { chunk, model, trainer } from './net.mjs';

if (isMainThread) {
  const results = await Promise.all(
    [1, 2].map(async () => {
      const worker = new Worker(new URL(import.meta.url));
      const ended = once(worker, 'exit');
      const [losses] = await once(worker, 'message');
      return { losses, exit: (await ended)[0] };
    }),
  );
  console.log(JSON.stringify(results));
} else {
  const { losses } = await trainer(model()).run(chunk(20));
  parentPort.postMessage(Array.from(losses));
}
