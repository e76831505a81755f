/**
 * Ends a worker in the middle of its training, several times, while the main thread trains too; then goes on.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { chunk, model, trainer, underWay } from './net.mjs';

const mine = model();
const training = trainer(mine);
if (isMainThread) {
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(new URL(import.meta.url));
    await once(worker, 'message');
    const running = training.run(chunk(3, i));
    await worker.terminate();
    await running;
  }
  await underWay(mine);
  console.log('the main thread goes on');
} else {
  training.run(chunk());
  for (let i = 0; i < 20; i++) mine.predict(new Uint8Array(64), 1, 8, 8);
  parentPort.postMessage('training');
  for (;;) await mine.predict(new Uint8Array(64), 1, 8, 8);
}
