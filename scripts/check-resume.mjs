// A training killed with SIGKILL at random moments and resumed each time ends in the bytes of an undisturbed
// one:
//   node scripts/check-resume.mjs [--kills 20] [--seed 1]
// All that draws or remembers is on: order, crops and flips on two threads, Mixup, CutMix, stochastic depth,
// dropout, AdamW, averages, a schedule. Ends with one line of JSON; exits with 1 where a byte differs.
// `--child FOLDER` is the training itself.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  cifarTrain,
  init,
  lastGoodCheckpoint,
  Model,
  network,
  nn,
  noise,
  openDataset,
  presetConfig,
  readMetrics,
  train,
  writeImage,
} from '../dist/index.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    child: { type: 'string' },
  },
});
const epochs = 10;
const stepsPerEpoch = 12;

/** Files of gray images of noise, 12 x 12, of 4 classes in turn. */
async function writeImages(folder, count, seed) {
  const random = generator(seed);
  for (let i = 0; i < count; i++) {
    const pixels = Uint8Array.from({ length: 144 }, () => 256 * random());
    mkdirSync(join(folder, `${i % 4}`), { recursive: true });
    await writeImage(join(folder, `${i % 4}`, `${i}.png`), pixels, { height: 12, width: 12, channels: 1 });
  }
}

/** Numbers in [0, 1). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Begins the training, or goes on from what the folder has; prints the number of steps as it grows. */
async function child(folder) {
  init({ threads: 1 });
  const path = existsSync(join(folder, 'checkpoint.safetensors')) ? await lastGoodCheckpoint(folder) : null;
  const graph = network({
    ...presetConfig('lm_resnet20', { input: [1, 8, 8], classes: 4 }),
    name: 'tiny',
    stem: nn.cifarStem(4),
    stages: [
      { width: 4, steps: 2, stride: 1 },
      { width: 8, steps: 2, stride: 2 },
    ],
    head: (classes) => nn.preactHead(classes, { dropout: 0.2 }),
    noise: noise.stochasticDepth({ last: 0.5 }),
  });
  const model = await (path === null
    ? Model.create(graph, { seed: 1, device: 'cpu' })
    : Model.load(path, { device: 'cpu' }));
  const settings = {
    epochs,
    batch: 8,
    lr: 0.003,
    optimizer: 'adamw',
    workers: 2,
    checkpointEvery: 5,
    mixup: 0.4,
    cutmix: 0.5,
    smoothing: 0.1,
    modelEma: true,
    modelEmaDecay: 0.95,
    modelEmaWarmup: true,
  };
  const open = (part, transform) =>
    openDataset({ kind: 'imageFolder', path: join(folder, '..', part), transform });
  const resize = { kind: 'resize', size: 8 };
  const data = {
    train: await open('train', [resize, ...cifarTrain(8)]),
    test: await open('test', [resize, { kind: 'centerCrop', size: 8 }]),
  };
  const run = train(model, data, path === null ? { ...settings, run: folder } : { resume: path });
  for await (const event of run) if (event.type === 'step') console.log(event.step);
}

/**
 * Runs the child until it has done so many steps, then kills it; with null to its end. Gives whether it was
 * killed.
 */
async function runChild(folder, until, pause) {
  const file = fileURLToPath(import.meta.url);
  const process_ = spawn(process.execPath, [file, '--child', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => {
    process_.on('error', reject);
    process_.on('close', (code, signal) => resolve({ code, signal }));
  });
  process_.stdout.on('data', async (text) => {
    const step = Number(String(text).trimEnd().split('\n').at(-1));
    if (until === null || step < until) return;
    await sleep(pause);
    process_.kill('SIGKILL');
  });
  const { code, signal } = await ended;
  if (signal === null && code !== 0) throw new Error(`the training ended with ${code}`);
  return signal === 'SIGKILL';
}

function digest(folder, name) {
  return createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex');
}

async function check(kills, seed) {
  const folder = mkdtempSync(join(tmpdir(), 'lm-resume-'));
  const random = generator(seed);
  try {
    await writeImages(join(folder, 'train'), 8 * stepsPerEpoch, 1);
    await writeImages(join(folder, 'test'), 40, 2);
    const [undisturbed, disturbed] = ['undisturbed', 'disturbed'].map((name) => join(folder, name));
    await runChild(undisturbed, null, 0);
    const moments = Array.from(
      { length: kills },
      () => 1 + Math.floor(random() * (epochs * stepsPerEpoch - 2)),
    );
    let killed = 0;
    for (const step of moments.toSorted((a, b) => a - b))
      if (await runChild(disturbed, step, random() * 30)) killed++;
    await runChild(disturbed, null, 0);
    const names = ['checkpoint.safetensors', 'best.safetensors'];
    const same = names.every((name) => digest(undisturbed, name) === digest(disturbed, name));
    const evaluations = async (run) =>
      JSON.stringify((await readMetrics(join(run, 'metrics.jsonl'))).filter(({ type }) => type !== 'step'));
    const sameLog = (await evaluations(undisturbed)) === (await evaluations(disturbed));
    console.log(JSON.stringify({ kills: killed, seed, same, sameLog, sha256: digest(disturbed, names[0]) }));
    return same && sameLog;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.child !== undefined) await child(values.child);
else process.exitCode = (await check(Number(values.kills), Number(values.seed))) ? 0 : 1;
