// Delay of the event loop while a model trains: a timer of 1 ms, how late it comes.
// `npm run bench:event-loop -- [steps] [threads]`. The figures of an idle loop stand beside them, for a busy
// machine delays both.
import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createModel, imageSet, init, train } from '../../dist/index.js';

const [steps = 40, threads = availableParallelism()] = process.argv.slice(2).map(Number);
init({ threads });

const size = 28;
const count = 1280;
const set = imageSet({
  images: Uint8Array.from({ length: count * size * size }, (_, i) => (i * 2654435761) >>> 24),
  labels: Array.from({ length: count }, (_, i) => i % 10),
  height: size,
  width: size,
  channels: 1,
});

/** Milliseconds that a timer of 1 ms came late while `work` ran. */
async function delays(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await work();
  histogram.disable();
  const late = (nanoseconds) => Math.max(0, Number((nanoseconds / 1e6 - 1).toFixed(2)));
  return {
    p50: late(histogram.percentile(50)),
    p99: late(histogram.percentile(99)),
    max: late(histogram.max),
  };
}

const model = await createModel('lm_resnet20', { input: [1, size, size] });
await train(model, { train: set }, { steps: 2 }); // libtorch's first steps load code
const idle = await delays(() => sleep(2000));
const training = await delays(() => train(model, { train: set }, { steps }));
await model.close();
console.log(
  JSON.stringify({
    unit: 'ms',
    model: 'lm_resnet20',
    batch: 128,
    steps,
    threads,
    node: process.version,
    idle,
    training,
  }),
);
