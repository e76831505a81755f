/** What the programs train: a thin network on random images, natively, on one thread. */
import { network } from '../../../dist/models/network.js';
import { presetConfig } from '../../../dist/models/presets.js';
import { init, native } from '../../../dist/native/load.js';
import { cifarStem } from '../../../dist/nn/stems.js';
import { optimizerSpec } from '../../../dist/train/optimizer/spec.js';
import { trainSchema } from '../../../dist/train/options.js';

init({ threads: 1 });

const [size, classes] = [8, 4];

/** The network; `width` channels in its one stage. */
export function graph(width = 4) {
  return network({
    ...presetConfig('lm_resnet20', { input: [1, size, size], classes }),
    stem: cifarStem(width),
    stages: [{ width, steps: 2, stride: 1 }],
  });
}

export function model(of = graph()) {
  return new (native().Model)(of.toSpec(), { device: 'cpu', dtype: 'float32', seed: 1 });
}

/** A trainer of a model of `graph(width)`, on as many images as two batches. */
export function trainer(of, { batch = 4, width = 4 } = {}) {
  const { Source, Trainer } = native();
  const images = Uint8Array.from({ length: 2 * batch * size * size }, (_, i) => (i * 2654435761) >>> 24);
  const labels = Int32Array.from({ length: 2 * batch }, (_, i) => i % classes);
  const source = new Source({ kind: 'memory', images, labels, height: size, width: size, channels: 1 });
  const optimizer = optimizerSpec(graph(width).params, trainSchema.parse({}));
  const pixels = { height: size, width: size, channels: 1, transform: [], mean: [], std: [] };
  const decoding = { maxPixels: 1e8, exif: true, sixteenBit: 'scale' };
  const making = {
    workers: 0,
    prefetch: 1,
    rank: 0,
    worldSize: 1,
    augRepeats: 1,
    pinned: false,
    classes: null,
  };
  const loader = {
    ...pixels,
    ...making,
    decoding,
    batch,
    seed: 0,
    training: true,
    onBadImage: 'throw',
    badImageLimit: 0,
  };
  return new Trainer(of, source, { loader, seed: 0, optimizer });
}

/** A chunk of so many steps; of more than a test can wait for by default. */
export function chunk(steps = 1_000_000, first = 0) {
  const row = { lr: 0.01, momentum: 0.9, weightDecay: 0, mixProb: 0, emaDecay: 0 };
  const columns = Object.entries(row).map(([name, value]) => [name, new Float64Array(steps).fill(value)]);
  return { first, table: Object.fromEntries(columns) };
}

/** Resolves when a job has passed between two steps: a chunk asked for before is under way. */
export async function underWay(of) {
  await of.predict(new Uint8Array(size * size), 1, size, size);
}
