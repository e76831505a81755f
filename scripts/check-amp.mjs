// What mixed precision costs in accuracy: LM-ResNet-20 trained for one epoch of MNIST or Fashion-MNIST with
// several seeds, in float32 and in bfloat16; ends with 1 where the means part by more than 0.2 points.
//   node scripts/check-amp.mjs --data mnist:DIR [--seeds 0,1,2] [--threads N] [--steps N]
// Fashion-MNIST: --data fashion-mnist:DIR. About two minutes for each training on two cores.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { createModel, init, LmError, loadDataset, oneCycle, train } from '../dist/index.js';

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    seeds: text('0,1,2'),
    threads: text(String(availableParallelism())),
    steps: { type: 'string' },
  },
});
const [, kind, folder] = /^(mnist|fashion-mnist):(.+)$/.exec(values.data ?? '') ?? [];
if (kind === undefined)
  throw new LmError(
    'ERR_CONFIG',
    `Expected mnist:DIR or fashion-mnist:DIR for \`data\` but received ${values.data}`,
  );
await init({ threads: Number(values.threads) });
const [digits, test] = await Promise.all(['train', 'test'].map((split) => loadDataset(kind, folder, split)));
const recipe = { batch: 128, lr: 0.2, momentum: 0.9, weightDecay: 1e-4, schedule: oneCycle() }; // mnist-onecycle's
const length = values.steps === undefined ? { epochs: 1 } : { steps: Number(values.steps) };

/** Top-1 in percent, evaluated in the precision that it was trained in. */
async function accuracy(seed, amp) {
  const model = await createModel('lm_resnet20', { data: digits, seed });
  try {
    const { evaluation } = await train(model, { train: digits, test }, { ...recipe, ...length, seed, amp });
    return 100 * evaluation.top1;
  } finally {
    await model.close();
  }
}

const found = { none: [], bfloat16: [] };
for (const seed of values.seeds.split(',').map(Number))
  for (const [amp, list] of Object.entries(found)) {
    list.push(await accuracy(seed, amp));
    console.error(JSON.stringify({ data: kind, seed, amp, top1: list.at(-1) }));
  }
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const gap = mean(found.bfloat16) - mean(found.none);
console.log(JSON.stringify({ data: kind, threads: Number(values.threads), ...found, gap }));
process.exitCode = Math.abs(gap) <= 0.2 ? 0 : 1;
