// Our loader beside the rivals of scripts/bench/data.mjs:
// `node scripts/bench/data-ours.mjs folder|packed|resized FOLDER THREADS`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imagenetTrain, openDataset, pack } from '../../dist/index.js';
import { loaderSpec } from '../../dist/loading/loaderSpec.js';
import { init, native } from '../../dist/native/load.js';
import { findFiles, serve } from './rival.mjs';

const [variant, folder, threads] = process.argv.slice(2);
const temporary = mkdtempSync(join(tmpdir(), 'lm-bench-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));

/** How records are packed: as they are, or as FFCV's documentation has them for ImageNet. */
const packings = { packed: {}, resized: { resize: 400, quality: 90 } };

/** The data set of a variant. */
async function open() {
  const spec = { kind: 'imageFolder', path: folder, split: 'train' };
  const transform = imagenetTrain(224);
  if (variant === 'folder') return openDataset({ ...spec, transform });
  await pack(spec, join(temporary, 'records'), packings[variant]);
  return openDataset({ kind: 'records', path: join(temporary, 'records'), transform });
}

/** A pass over all images in batches: by one thread alone, or by threads of the loader. */
async function openPass() {
  init({ threads: 1 });
  const data = await open();
  const batch = [64, 50, 40, 32, 25, 20, 16, 10, 8, 5, 4, 2, 1].find((size) => data.count % size === 0);
  const input = { channels: 3, height: 224, width: 224, mean: [0, 0, 0], std: [1, 1, 1] };
  const workers = Number(threads) === 1 ? 0 : Number(threads);
  const limits = { prefetch: 4, onBadImage: 'throw', badImageLimit: 0 };
  const spec = loaderSpec(data, input, { batch, seed: 0, training: true, device: 'cpu', workers, ...limits });
  let step = 0;
  return async () => {
    // A new one every time: it makes nothing ahead while another loader has its turn.
    const loader = new (native().Loader)(data.source, spec);
    for (const end = step + data.count / batch; step < end; step++) await loader.at(step);
    loader.close();
  };
}

const pass = await openPass();
await serve({ images: findFiles(folder).length, cores: Number(threads), versions: {} }, pass);
