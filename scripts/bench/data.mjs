// Loaders of image files side by side: images per second and core for RandomResizedCrop(224) and a flip, to
// uint8.
//   PYTHON=python npm run bench:data -- --photos DIR [--rounds 5] [--json]
// DIR is a folder that scripts/bench/photos.py made (or one like ImageNet's train), small enough for the page
// cache. PYTHON names an interpreter with simplejpeg, torchvision and opencv-python-headless (default
// python3); what is missing is left out, and named. Each loader is a process of its own; they pass over the
// files in turn, another one first in every round, and ratios are medians of those within a round. Nothing
// else should run meanwhile.
import { statSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findFiles } from './rival.mjs';
import { inTurn, median, rounded, start } from './turns.mjs';

const { values } = parseArgs({
  options: {
    photos: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean' },
  },
});
const { photos, json } = values;
const rounds = Number(values.rounds);
if (photos === undefined || !(rounds >= 1)) {
  throw new Error('usage: npm run bench:data -- --photos DIR [--rounds 5] [--json]');
}
const files = findFiles(photos);
if (files.length === 0)
  throw new Error(`no *.JPEG in ${photos}; scripts/bench/photos.py makes such a folder`);

const script = (name) => fileURLToPath(new URL(name, import.meta.url));
const python = (rival) => [process.env.PYTHON ?? 'python3', script('data.py'), rival, photos];
const node = (name, ...words) => [process.execPath, script(name), ...words];
const commands = {
  'ours, folder': node('data-ours.mjs', 'folder', photos, '1'),
  'ours, packed': node('data-ours.mjs', 'packed', photos, '1'),
  'ours, packed, 2 threads': node('data-ours.mjs', 'packed', photos, '2'),
  'ours, packed at 400': node('data-ours.mjs', 'resized', photos, '1'),
  'bare libjpeg-turbo, decode only': python('bare'),
  'OpenCV, INTER_LINEAR': python('opencv-linear'),
  'OpenCV, INTER_AREA': python('opencv-area'),
  'torchvision, tensors': python('tensors'),
  'torchvision, Pillow': python('pillow'),
  'DataLoader on Pillow, 2 workers': python('dataloader'),
  sharp: node('data-sharp.mjs', photos),
};

const load = loadavg()[0];
const loaders = [];
const missing = {};
const rates = new Map();
try {
  for (const [name, command] of Object.entries(commands)) {
    const loader = await start(name, command);
    if (loader.about.unavailable) missing[name] = loader.about.unavailable;
    else loaders.push(loader);
  }
  for (let i = -1; i < rounds; i++) {
    for (const { name, about, turn } of inTurn(loaders, i + 1)) {
      const rate = about.images / about.cores / (await turn()).seconds;
      if (i >= 0) rates.set(name, [...(rates.get(name) ?? []), rate]); // the first pass warms up
    }
    if (!json) console.error(i < 0 ? 'warmed up' : `round ${i + 1} of ${rounds}`);
  }
} finally {
  for (const loader of loaders) loader.close();
}

function ratio(name, other) {
  const [a, b] = [rates.get(name), rates.get(other)];
  return a && b ? rounded(median(a.map((rate, i) => rate / b[i])), 2) : undefined;
}
const figures = loaders.map(({ name, about }) => ({
  name,
  imagesPerSecondPerCore: rounded(median(rates.get(name)), 0),
  range: [Math.min, Math.max].map((f) => rounded(f(...rates.get(name)), 0)),
  cores: about.cores,
  ofBare: ratio(name, 'bare libjpeg-turbo, decode only'),
  oursFolderTimes: ratio('ours, folder', name),
  oursPackedTimes: ratio(about.cores === 2 ? 'ours, packed, 2 threads' : 'ours, packed', name),
  versions: about.versions,
}));

if (json) {
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  console.log(
    JSON.stringify({
      unit: 'images per second and core',
      command: `npm run bench:data -- --photos DIR --rounds ${rounds} --json`,
      hardware: `${cpus().length} x ${cpus()[0].model}`,
      node: process.version,
      photos: { files: files.length, meanKB: rounded(bytes / files.length / 1000, 1) },
      loadBefore: rounded(load, 2),
      rounds,
      figures,
      missing,
    }),
  );
} else {
  const table = figures.map(({ name, versions, range, imagesPerSecondPerCore, ...row }) => [
    name,
    { 'images/s per core': imagesPerSecondPerCore, range: range.join('-'), ...row },
  ]);
  console.table(Object.fromEntries(table));
  console.log(`load of the machine before: ${load.toFixed(2)}`);
  for (const [name, reason] of Object.entries(missing)) console.log(`not run: ${name}: ${reason}`);
}
