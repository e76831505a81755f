/** The trainer against PyTorch: scripts/reference/lm_resnet20.py made the golden file. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { preset } from '../../src/models/presets.ts';
import type { NativeModel } from '../../src/native/binding.ts';
import { optimizerSpec } from '../../src/train/optimizer/spec.ts';
import { trainSchema } from '../../src/train/options.ts';
import { addon } from '../support/addon.ts';
import { uniform, writeFormula } from '../support/graphs/formula.ts';
import { trainingLoader } from '../support/loader.ts';
import { chunkTable } from '../support/natives.ts';

/** PyTorch in float64, and how far its own float32 scatters about that. */
interface Golden {
  readonly losses: readonly number[];
  readonly norms: Readonly<Record<string, number>>;
  readonly scatter: Readonly<Record<string, number>>;
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/lm_resnet20.json', import.meta.url), 'utf8'),
) as Golden;
const settings = golden as unknown as Readonly<Record<string, number>>;
const { size = 0, batch = 0, steps = 0, lr = 0, momentum = 0, weightDecay = 0, mean = 0, std = 0 } = settings;
const graph = preset('lm_resnet20', { input: [1, size, size], mean: [mean], std: [std] });

async function step(model: NativeModel, number: number): Promise<number> {
  const { Source, Trainer } = addon();
  const source = new Source({
    kind: 'memory',
    images: Uint8Array.from(uniform(`pixels${number}`, batch * size * size), (r) => Math.floor(256 * r)),
    labels: Int32Array.from(uniform(`labels${number}`, batch), (r) => Math.floor(10 * r)),
    height: size,
    width: size,
    channels: 1,
  });
  const optimizer = optimizerSpec(graph.params, trainSchema.parse({}));
  const trainer = new Trainer(model, source, {
    loader: trainingLoader(graph.input, batch),
    seed: 0,
    optimizer,
  });
  const { losses } = await trainer.run({ first: number, table: chunkTable([{ lr, momentum, weightDecay }]) });
  return losses[0] ?? Number.NaN;
}

const norm = (values: Iterable<number>): number => Math.hypot(...values);

describe.each([
  { dtype: 'float64', tolerance: 1e-10 },
  { dtype: 'float32', tolerance: 1e-5 },
] as const)(
  'LM-ResNet-20 in $dtype, from the same weights and batches as PyTorch',
  ({ dtype, tolerance }) => {
    it(`has the same losses in ${steps} steps at a rate of ${lr}, and weights and statistics, within ${tolerance}`, async () => {
      const model = new (addon().Model)(graph.toSpec(), { device: 'cpu', dtype, seed: 0 });
      await writeFormula(graph, model);
      for (let i = 0; i < steps; i++) {
        const loss = golden.losses[i] ?? 0;
        const error = Math.abs((await step(model, i)) - loss) / loss;
        expect(error).toBeLessThan(tolerance);
      }
      const tensors = [...graph.params, ...graph.buffers];
      expect(tensors.map(({ path }) => path).toSorted()).toEqual(Object.keys(golden.norms).toSorted());
      for (const { path } of tensors) {
        const found = norm(await model.readTensor(path, 'value'));
        const scatter = dtype === 'float32' ? (golden.scatter[path] ?? 0) : 0;
        const error = Math.abs(found / (golden.norms[path] ?? 0) - 1);
        expect(error, path).toBeLessThan(Math.max(10 * tolerance, scatter));
      }
    });
  },
);
