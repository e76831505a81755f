/** Parameters that stay as they are while others learn. */
import { describe, expect, it } from 'vitest';
import { constant } from '../../src/train/schedules.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { noise, tensorsOf, tiny, tinyModel } from '../support/training.ts';

const data = { train: noise(32) };
const settings: TrainSettingsInput = { batch: 8, lr: 0.01, schedule: constant(), weightDecay: 0.1 };

/** Paths of the parameters that a training leaves to the bit. */
async function kept(more: TrainSettingsInput): Promise<string[]> {
  const model = await tinyModel();
  const before = await tensorsOf(model);
  await train(model, data, { ...settings, ...more });
  const after = await tensorsOf(model);
  return tiny.params.map(({ path }) => path).filter((path) => String(after[path]) === String(before[path]));
}

const below = (...places: string[]): string[] =>
  tiny.params.map(({ path }) => path).filter((path) => places.some((place) => path.startsWith(`${place}.`)));

describe('frozen parameters', () => {
  it.each(['sgd', 'adamw', 'lars', 'lamb'] as const)(
    'get no update and no decay from %s',
    async (optimizer) => {
      expect(await kept({ optimizer, freeze: ['stem', 'stage1'] })).toEqual(below('stem', 'stage1'));
    },
  );

  it('are those at or below a path, or below a depth', async () => {
    expect(await kept({ freeze: ['stage1.step1.k'] })).toEqual(['stage1.step1.k']);
    const shallow = tiny.params.filter(({ depth }) => depth < 0.5).map(({ path }) => path);
    expect(shallow.length).toBeGreaterThan(0);
    expect(await kept({ freezeDepth: 0.5 })).toEqual(shallow);
  });

  it('have norms whose running statistics follow the images', async () => {
    const model = await tinyModel();
    const before = await tensorsOf(model);
    await train(model, data, { ...settings, freeze: ['stage1'] });
    const after = await tensorsOf(model);
    for (const { path } of tiny.buffers) expect(after[path], path).not.toEqual(before[path]);
  });

  it('have no part in the norm that clips the gradient', async () => {
    const model = await tinyModel({ dtype: 'float64' });
    const before = await tensorsOf(model);
    const plain = { momentum: 0, weightDecay: 0, lr: 1, steps: 1 };
    await train(model, data, { ...settings, ...plain, freeze: ['stem', 'stage1'], clipGrad: 1e-3 });
    const after = await tensorsOf(model);
    const moves = tiny.params.flatMap(({ path }) =>
      (after[path] ?? []).map((w, i) => w - (before[path]?.[i] ?? Number.NaN)),
    );
    expect(Math.hypot(...moves)).toBeCloseTo(1e-3, 7);
  });

  it.each([
    { title: 'a path that is none', freeze: ['stage9'], code: 'ERR_UNKNOWN_NAME' },
    { title: 'a part of a name', freeze: ['stag'], code: 'ERR_UNKNOWN_NAME' },
    { title: 'everything', freeze: ['stem', 'stage1', 'stage2', 'head'], code: 'ERR_CONFIG' },
  ])('are refused: $title', async ({ freeze, code }) => {
    const model = await tinyModel();
    expect(await codeOf(() => train(model, data, { ...settings, freeze }))).toBe(code);
    expect(model.training).toBe(false);
  });
});
