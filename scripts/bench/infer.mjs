// Classifying images beside onnxruntime and PyTorch (eager, bfloat16, compiled with frozen weights) on the
// same machine and with the same weights, by what `export` writes: processes in turn, A B A B …, the median
// of the ratios. No figure appears unless all give the same logits, to 1e-4 (bfloat16: 0.2) of the largest.
//   PYTHON=python npm run bench:infer -- [--model lm_resnet20] [--batch 1] [--size 32] [--threads 2]
//     [--rounds 5] [--rivals onnxruntime,eager,bf16,compile]
//     [--amp none]
// PYTHON names an interpreter with torch, safetensors, numpy and onnxruntime, and torchvision for networks of
// that. `--amp` is ours: none, bfloat16 or auto. Nothing else should run meanwhile.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exportOnnx, exportTorch, init, Model, preset } from '../../dist/index.js';

const text = (value) => ({ type: 'string', default: String(value) });
const { values } = parseArgs({
  options: {
    model: text('lm_resnet20'),
    batch: text(1),
    size: text(32),
    threads: text(2),
    rounds: text(5),
    amp: text('none'),
    rivals: text('onnxruntime,eager,bf16,compile'),
    // What it runs itself with: times one process of ours on the files of a folder.
    folder: { type: 'string' },
  },
});
const { model: name, batch, size, threads, amp } = values;
const n = Number(batch);
const side = Number(size);
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const calls = side < 100 && n < 9 ? 200 : 12;

if (values.folder === undefined) await compare();
else await time(values.folder);

/** Milliseconds of a call of Model.logits, and the logits. */
async function time(folder) {
  await init({ threads: Number(threads) });
  const model = await Model.load(join(folder, 'model.safetensors'));
  const pixels = new Uint8Array(readFileSync(join(folder, 'pixels')));
  const logits = await model.logits(pixels, { amp });
  const times = [];
  for (let i = 0; i < calls; i++) {
    const begin = performance.now();
    await model.logits(pixels, { amp });
    times.push(performance.now() - begin);
  }
  console.log(JSON.stringify({ ms: median(times), logits: [...logits] }));
  await model.close();
}

/** Writes the same network for all. */
async function write(folder) {
  const model = await Model.create(preset(name, { input: [3, side, side] }), { seed: 1 });
  const pixels = Uint8Array.from({ length: n * side * side * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  const { mean, std } = model.input;
  const x = new Float32Array(pixels.length); // [n, 3, h, w]
  for (let i = 0; i < pixels.length; i++) {
    const c = i % 3;
    const place = Math.floor(i / 3);
    const image = Math.floor(place / side ** 2);
    x[(image * 3 + c) * side ** 2 + (place % side ** 2)] = (pixels[i] / 255 - mean[c]) / std[c];
  }
  writeFileSync(join(folder, 'pixels'), pixels);
  writeFileSync(join(folder, 'x'), x);
  await model.save(join(folder, 'model.safetensors'));
  await exportOnnx(model, join(folder, 'model.onnx'));
  await exportTorch(model, join(folder, 'network.safetensors'));
  await model.close();
}

function run(program, words) {
  return JSON.parse(execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

/** Throws unless logits are those of ours. */
function check(rival, found, ours) {
  const largest = Math.max(...ours.map(Math.abs));
  const gap = Math.max(...found.map((value, i) => Math.abs(value - ours[i]))) / largest;
  if (!(gap < (rival === 'bf16' || amp !== 'none' ? 0.2 : 1e-4)))
    throw new Error(`${rival}: logits differ by ${gap} of the largest`);
}

async function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'lm-bench-'));
  const rivals = values.rivals.split(',');
  const script = fileURLToPath(new URL('infer.py', import.meta.url));
  const sizes = ['--batch', batch, '--size', size, '--threads', threads, '--amp', amp];
  const rows = [];
  const versions = {};
  try {
    await write(folder);
    for (let i = 0; i < Number(values.rounds); i++) {
      const own = run(process.execPath, [fileURLToPath(import.meta.url), ...sizes, '--folder', folder]);
      const row = { ours: own.ms };
      for (const rival of rivals) {
        const words = [script, folder, name, rival, batch, size, threads, String(calls)];
        const { ms, logits, ...rest } = run(process.env.PYTHON ?? 'python3', words);
        check(rival, logits, own.logits);
        row[rival] = ms;
        Object.assign(versions, rest);
      }
      rows.push(row);
      console.error(JSON.stringify(row));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const of = (key) => Number(median(rows.map((row) => row[key])).toFixed(3));
  const fastest = (row) => Math.min(...rivals.map((rival) => row[rival]));
  const out = { unit: 'ms per call', model: name, batch: n, size: side, threads: Number(threads), amp };
  Object.assign(out, { rounds: rows.length, processor: cpus()[0].model, node: process.version, ...versions });
  for (const key of ['ours', ...rivals]) out[key] = of(key);
  out.fastestRivalOverOurs = Number(median(rows.map((row) => fastest(row) / row.ours)).toFixed(3));
  console.log(JSON.stringify(out));
}
