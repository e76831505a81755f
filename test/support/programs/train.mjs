// Trains a small net with noise of every kind on augmented images, alone or as a rank, for one case after
// another: `node train.mjs DIST JSON`. The JSON is an array of cases: the options of `train`, and what
// differs from the defaults below. Prints a JSON array: losses, weights and statistics of each; ends at the
// first that fails.
const [dist, json] = process.argv.slice(2);
const { imageSet, init, joinRanks, Model, network, nn, noise, openDataset, presetConfig, train } =
  await import(`${dist}/index.js`);
const { datasetOf } = await import(`${dist}/loading/images.js`);
init({ threads: 1 });
const rank = Number(process.env.RANK ?? 0);

const noises = [
  noise.stochasticDepth({ last: 0.6 }),
  noise.stochasticDepth({ last: 0.5, per: 'sample' }),
  noise.dropout({ p: 0.2 }),
];
const inOrder = (fresh, at) => noises[at.n % noises.length](fresh, at);
const graph = network({
  ...presetConfig('lm_resnet20', { input: [1, 8, 8], classes: 4 }),
  name: 'tiny',
  stem: nn.cifarStem(4),
  stages: [
    { width: 4, steps: 2, stride: 1 },
    { width: 8, steps: 2, stride: 2 },
  ],
  noise: inOrder,
});

/** Gray images, 8 x 8, of 4 classes in turn. */
function set(count, seed) {
  const bytes = Uint8Array.from({ length: 64 * count }, (_, i) => {
    const x = Math.imul(i + 1 + 7919 * seed, 0x9e3779b1);
    return Math.imul(x ^ (x >>> 15), 0x85ebca6b) >>> 24;
  });
  const labels = Array.from({ length: count }, (_, i) => i % 4);
  return imageSet({ images: bytes, labels, height: 8, width: 8, channels: 1 });
}

const augmented = [
  { kind: 'randomCrop', size: [8, 8], padding: 1, mode: 'constant' },
  { kind: 'horizontalFlip', p: 0.5 },
];

/** From here on `cuda` is the test device of a library (test/device/testDevice.ts). */
async function bringDevice(library) {
  const addon = (await import(`${dist}/native/load.js`)).native();
  const opened = { exports: {} };
  process.dlopen(opened, library);
  const { Model, info, roomOn, multipliesBfloat16 } = addon;
  const named = (device) => device.replace(/^cuda/, 'testdevice');
  addon.Model = class extends Model {
    constructor(graph, options) {
      super(graph, { ...options, device: named(options.device) });
    }
  };
  addon.info = () => ({ ...info(), cudaDevices: 1 });
  addon.roomOn = (device) => roomOn(named(device));
  addon.multipliesBfloat16 = (device) => multipliesBfloat16(named(device));
  return opened.exports;
}

/** What to train on: pixels in memory, or gray files in shards, of which every rank has its own. */
function trained(shards, ranks) {
  if (shards === undefined) return datasetOf(set(96, 0)).with(augmented);
  return openDataset(
    { kind: 'webDataset', path: shards, splitShards: true, transform: augmented },
    { ranks },
  );
}

async function outcomeOf(ranks, { held = 0, dtype = 'float64', fault, library, shards, ...options }) {
  const counter = library ? await bringDevice(library) : null;
  const device = library ? 'cuda' : 'cpu';
  const model = await Model.create(graph, { device, dtype, seed: fault === 'seed' ? rank : 1 });
  const data = { train: await trained(shards, ranks), ...(held > 0 ? { test: set(held, 1) } : {}) };
  const mine = fault === 'setting' && rank === 1 ? { lr: 0.3 } : {};
  const before = ranks?.traffic().bytes ?? 0;
  counter?.takeCounts();
  const run = train(model, data, { ...options, ...mine, ranks });
  const events = [];
  for await (const e of run) {
    events.push(e);
    if (e.type === 'step' && fault === 'stop' && rank === 1) run.stop();
    if (e.type === 'step' && fault === 'kill' && rank === 1) process.kill(process.pid, 'SIGKILL');
  }
  const { evaluation, steps, stopped, loss } = await run;
  const readings = events.filter(({ type }) => type === 'step').length; // as often as time has it
  const waits = (counter?.takeCounts().streamWaits ?? 0) - readings;
  const losses = events.flatMap((e) => (e.type === 'step' ? e.losses : []));
  const seen = events.flatMap((e) => (e.type === 'step' ? [e.samples] : [])).reduce((a, b) => a + b, 0);
  const tensors = {};
  for (const { path } of [...graph.params, ...graph.buffers])
    tensors[path] = [...(await model.readTensor(path))];
  await model.close();
  const bytes = (ranks?.traffic().bytes ?? 0) - before;
  return { losses, seen, evaluation, steps, stopped, loss, tensors, bytes, waits };
}

const outcomes = [];
try {
  const ranks = await joinRanks({ timeout: 60 });
  for (const one of JSON.parse(json)) outcomes.push(await outcomeOf(ranks, one));
  await ranks?.close();
} catch ({ code, message, stack }) {
  outcomes.push({ code, message });
  if (code === undefined) console.error(stack);
}
process.stdout.write(JSON.stringify(outcomes), () => process.exit()); // whatever still waits
