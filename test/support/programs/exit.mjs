/**
 * Calls process.exit(7) in the middle of a training; with the argument "worker", while a worker trains as
 * well.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { chunk, model, trainer, underWay } from './net.mjs';

const mine = model();
if (isMainThread) {
  if (process.argv[2] === 'worker') await once(new Worker(new URL(import.meta.url)), 'message');
  const training = trainer(mine).run(chunk());
  if (process.argv[2] === 'worker') setTimeout(() => process.exit(7), 50);
  else {
    await underWay(mine);
    process.exit(7);
  }
  await training;
} else {
  trainer(mine).run(chunk());
  parentPort.postMessage('training');
}
