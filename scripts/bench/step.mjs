// One training step beside eager PyTorch on the same machine: processes in turn, A B A B …, the median of the
// ratios.
//   PYTHON=python npm run bench:step -- [--rounds 5] [--threads 1] [--batch 128] [--size 28]
//     [--channels 1] [--n 3]
// PYTHON names an interpreter with torch (default python3). Nothing else should run meanwhile.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { preset } from '../../dist/index.js';

const number = (value) => ({ type: 'string', default: String(value) });
const { values } = parseArgs({
  options: {
    rounds: number(5),
    threads: number(1),
    batch: number(128),
    size: number(28),
    channels: number(1),
    n: number(3),
    steps: number(12),
  },
});
const { threads, batch, size, channels, n, steps } = values;
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lm-bench-'));
const graph = join(folder, 'graph.json');
const spec = preset(`lm_resnet${6 * Number(n) + 2}`, {
  input: [Number(channels), Number(size), Number(size)],
}).toSpec();
writeFileSync(graph, JSON.stringify(spec));
const env = { ...process.env, GOMP_SPINCOUNT: '10000' }; // as the opener sets it

function ours() {
  const words = ['--batch', batch, '--size', size, '--threads', threads, '--steps', steps, '--lr', '0.01'];
  return JSON.parse(
    execFileSync(join(root, 'build/Release/lm-check'), [graph, ...words], { env, encoding: 'utf8' }),
  ).medianStepMs;
}

function pytorch(...more) {
  const words = Object.entries({ n, batch, size, channels, threads, steps }).flatMap(([k, v]) => [
    `--${k}`,
    v,
  ]);
  const script = join(root, 'scripts/bench/step.py');
  return JSON.parse(
    execFileSync(process.env.PYTHON ?? 'python3', [script, ...words, ...more], { encoding: 'utf8' }),
  );
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const rows = [];
let torch = '';
try {
  for (let i = 0; i < Number(values.rounds); i++) {
    const best = pytorch();
    const row = { ours: ours(), best: best.ms, defaults: pytorch('--defaults').ms };
    torch = best.torch;
    rows.push(row);
    console.error(JSON.stringify(row));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const of = (name) => median(rows.map((row) => row[name]));
console.log(
  JSON.stringify({
    unit: 'ms per step',
    model: spec.name,
    batch,
    size,
    threads,
    rounds: rows.length,
    torch,
    ours: of('ours'),
    pytorchBestEffort: of('best'),
    pytorchDefaults: of('defaults'),
    speedupOverBestEffort: median(rows.map((row) => row.best / row.ours)),
    speedupOverDefaults: median(rows.map((row) => row.defaults / row.ours)),
  }),
);
