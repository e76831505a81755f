/** Every option of a training has an effect, and the effect it says. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseOptions } from '../../src/check.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { ParamSpec } from '../../src/graph/spec.ts';
import { network } from '../../src/models/network.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { optimizerSpec } from '../../src/train/optimizer/spec.ts';
import { optionsWith, trainSchema } from '../../src/train/options.ts';
import { recipe, recipeNames } from '../../src/train/recipes.ts';
import { constant, cosine, oneCycle, stepDecay } from '../../src/train/schedules.ts';
import type { TrainSettings, TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { thrown } from '../support/errors.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noise, tensorsOf, tiny, tinyConfig, tinyModel } from '../support/training.ts';

const official = network({ ...tinyConfig, scheme: linearTwoStep({ parameterization: 'official' }) });
/** The step is w - lr · (gradient + decay · w), no more. */
const plain: TrainSettingsInput = { batch: 16, lr: 0.1, schedule: constant(), momentum: 0, weightDecay: 0 };

interface Outcome {
  readonly steps: number;
  readonly losses: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

async function outcome(settings: TrainSettingsInput, graph?: Graph): Promise<Outcome> {
  const model = await tinyModel({ dtype: settings.amp === undefined ? 'float64' : 'float32' }, graph);
  const folder = settings.tensorboard ? { run: join(await temporaryFolder(), 'run') } : {};
  const run = train(model, { train: noise(32) }, { ...settings, ...folder });
  const losses: number[] = [];
  for await (const event of run) if (event.type === 'step') losses.push(...event.losses);
  return { steps: (await run).steps, losses, weights: await tensorsOf(model) };
}

interface Row {
  readonly from?: TrainSettingsInput;
  readonly to: TrainSettingsInput;
  /** Steps done, with `from` and then with `to` as well. */
  readonly steps: readonly [before: number, after: number];
  /** The weights stay: the effect is elsewhere, such as on their average. */
  readonly sameWeights?: true;
}

const base: TrainSettingsInput = { batch: 8, lr: 0.1 };

/** One row an option: a new one needs a row here, and an effect. */
const rows: Readonly<Record<Exclude<keyof TrainSettings, 'earlyStopPatience'>, Row>> = {
  epochs: { to: { epochs: 2 }, steps: [4, 8] },
  batch: { to: { batch: 16 }, steps: [4, 2] },
  lr: { to: { lr: 0.2 }, steps: [4, 4] },
  lrBase: { to: { lrBase: 0.2 }, steps: [4, 4] },
  lrBaseSize: { from: { lrBase: 0.02 }, to: { lrBaseSize: 128 }, steps: [4, 4] },
  lrBaseScale: { from: { lrBase: 0.2 }, to: { lrBaseScale: 'sqrt' }, steps: [4, 4] },
  schedule: { to: { schedule: cosine() }, steps: [4, 4] },
  optimizer: { to: { optimizer: 'lamb' }, steps: [4, 4] },
  dampening: { to: { dampening: 0.5, nesterov: false }, from: { nesterov: false }, steps: [4, 4] },
  betas: { from: { optimizer: 'adamw' }, to: { betas: [0.8, 0.99] }, steps: [4, 4] },
  eps: { from: { optimizer: 'adamw' }, to: { eps: 1e-3 }, steps: [4, 4] },
  trustCoefficient: { from: { optimizer: 'lars' }, to: { trustCoefficient: 0.01 }, steps: [4, 4] },
  layerDecay: { to: { layerDecay: 0.7 }, steps: [4, 4] },
  momentum: { to: { momentum: 0.5 }, steps: [4, 4] },
  nesterov: { to: { nesterov: false }, steps: [4, 4] },
  weightDecay: { to: { weightDecay: 0.1 }, steps: [4, 4] },
  decayNorm: { from: { weightDecay: 0.1 }, to: { decayNorm: true }, steps: [4, 4] },
  globalBatch: { to: { globalBatch: 24 }, steps: [4, 1] },
  accumulate: { to: { accumulate: 2 }, steps: [4, 2] },
  freeze: { to: { freeze: ['stem'] }, steps: [4, 4] },
  freezeDepth: { to: { freezeDepth: 0.5 }, steps: [4, 4] },
  clipGrad: { to: { clipGrad: 0.1 }, steps: [4, 4] },
  clipMode: { from: { clipGrad: 0.01 }, to: { clipMode: 'agc' }, steps: [4, 4] },
  // Their effect is on another set: test/train/ema.test.ts.
  modelEma: { to: { modelEma: true }, steps: [4, 4], sameWeights: true },
  modelEmaDecay: { from: { modelEma: true }, to: { modelEmaDecay: 0.5 }, steps: [4, 4], sameWeights: true },
  modelEmaWarmup: {
    from: { modelEma: true },
    to: { modelEmaWarmup: true },
    steps: [4, 4],
    sameWeights: true,
  },
  loss: { to: { loss: 'bce' }, steps: [4, 4] },
  smoothing: { to: { smoothing: 0.1 }, steps: [4, 4] },
  bceTargetThreshold: {
    from: { loss: 'bce', smoothing: 0.1 },
    to: { bceTargetThreshold: 0.2 },
    steps: [4, 4],
  },
  sizes: { from: { epochs: 2 }, to: { sizes: [8, 12] }, steps: [8, 8] },
  mixup: { to: { mixup: 0.8 }, steps: [4, 4] },
  cutmix: { to: { cutmix: 1 }, steps: [4, 4] },
  mixupProb: { from: { mixup: 0.8 }, to: { mixupProb: 0.5 }, steps: [4, 4] },
  mixupSwitchProb: { from: { mixup: 0.8, cutmix: 1 }, to: { mixupSwitchProb: 0 }, steps: [4, 4] },
  mixupOffEpoch: { from: { mixup: 0.8, epochs: 2 }, to: { mixupOffEpoch: 1 }, steps: [8, 8] },
  seed: { to: { seed: 1 }, steps: [4, 4] },
  amp: { from: { amp: 'none' }, to: { amp: 'bfloat16' }, steps: [4, 4] },
  // Its effect is on memory: test/native/plan/memory.test.ts.
  memory: { to: { memory: { kind: 'recompute', every: 2 } }, steps: [4, 4], sameWeights: true },
  steps: { to: { steps: 3 }, steps: [4, 3] },
  // Their effects are on how batches are made, never on what is in them: test/data/.
  workers: { to: { workers: 2 }, steps: [4, 4], sameWeights: true },
  prefetch: { from: { workers: 1 }, to: { prefetch: 5 }, steps: [4, 4], sameWeights: true },
  onBadImage: { to: { onBadImage: 'throw' }, steps: [4, 4], sameWeights: true },
  badImageLimit: { to: { badImageLimit: 0 }, steps: [4, 4], sameWeights: true },
  // Their effect is on files: test/train/checkpoints.test.ts.
  checkpointEvery: { to: { checkpointEvery: 1 }, steps: [4, 4], sameWeights: true },
  keepLast: { to: { keepLast: 1 }, steps: [4, 4], sameWeights: true },
  keepBest: { to: { keepBest: 0 }, steps: [4, 4], sameWeights: true },
  evalEvery: { to: { evalEvery: 2 }, steps: [4, 4], sameWeights: true },
  evalBatches: { to: { evalBatches: 1 }, steps: [4, 4], sameWeights: true },
  augRepeats: { to: { augRepeats: 3 }, steps: [4, 4] },
  overfitBatches: { from: { steps: 4 }, to: { overfitBatches: 2 }, steps: [4, 4] },
  // Their effects are on devices, test/device/, and with several ranks, test/train/ranks/training.test.ts.
  deterministic: { to: { deterministic: false }, steps: [4, 4], sameWeights: true },
  capture: { to: { capture: false }, steps: [4, 4], sameWeights: true },
  syncBn: { to: { syncBn: true }, steps: [4, 4], sameWeights: true },
  compressGradients: { to: { compressGradients: 'float16' }, steps: [4, 4], sameWeights: true },
  tensorboard: { to: { tensorboard: true }, steps: [4, 4], sameWeights: true },
};

const keys = Object.keys(z.toJSONSchema(trainSchema, { io: 'input' }).properties ?? {});

const elsewhere = ['earlyStopPatience']; // it needs images to test on: test/train/evaluating.test.ts

describe.each(keys.filter((key) => !elsewhere.includes(key)))('the option %s of a training', (key) => {
  it('has an effect', async () => {
    const row = rows[key as keyof typeof rows];
    expect(row, `a row for ${key}`).toBeDefined();
    const before = await outcome({ ...base, ...row.from });
    const after = await outcome({ ...base, ...row.from, ...row.to });
    expect([before.steps, after.steps]).toEqual(row.steps);
    if (row.sameWeights) expect(after.weights).toEqual(before.weights);
    else expect(after.weights).not.toEqual(before.weights);
  });
});

describe('the settings of a training', () => {
  it('are those of the schema: the table has no row too many', () => {
    expect([...Object.keys(rows), ...elsewhere].toSorted()).toEqual(keys.toSorted());
  });

  it('that a run may change when it goes on leave the weights as they are', () => {
    const free = Object.keys(rows).filter((key) => !optionsWith('weights').some((name) => name === key));
    expect(free.length).toBeGreaterThan(5);
    for (const key of free) expect(rows[key as keyof typeof rows].sameWeights, key).toBe(true);
  });

  it('lay the schedule over `steps` where it is given', async () => {
    const { losses } = await outcome({ ...base, steps: 6, schedule: cosine() });
    const longer = await outcome({ ...base, epochs: 2, schedule: cosine() });
    expect(losses[0]).toBe(longer.losses[0]);
    expect(losses[5]).not.toBe(longer.losses[5]);
  });

  it('change nothing at a rate of 0 but the running statistics', async () => {
    const untouched = await tensorsOf(await tinyModel({ dtype: 'float64' }));
    const { weights } = await outcome({ ...plain, lr: 0, weightDecay: 0.1 });
    for (const { path } of tiny.params) expect(weights[path], path).toEqual(untouched[path]);
    for (const { path } of tiny.buffers) expect(weights[path], path).not.toEqual(untouched[path]);
  });

  it.each<[TrainSettingsInput, TrainSettingsInput]>([
    [{ schedule: 'cosine' }, { schedule: cosine() }],
    [{ schedule: 'oneCycle' }, { schedule: oneCycle() }],
    [{ schedule: 'step' }, { schedule: stepDecay() }],
    [{ memory: 'recompute' }, { memory: { kind: 'recompute', every: 1 } }],
    [{ memory: 'reverse' }, { memory: { kind: 'reverse' } }],
  ])('take the kind of an object alone: %o', (word, whole) => {
    expect(parseOptions(trainSchema, word, 'train')).toEqual(parseOptions(trainSchema, whole, 'train'));
  });

  it.each<[unknown, string, string]>([
    [{ schedule: 'cosin' }, 'train.schedule', 'Did you mean "cosine"?'],
    [{ schedule: 'multistep' }, 'train.schedule.milestones', ''],
    [{ schedule: { kind: 'cosine', minLR: 1 } }, 'train.schedule.minLR', 'Did you mean "minLr"?'],
    [{ schedule: { kind: 'steps' } }, 'train.schedule.kind', 'Did you mean "step"?'],
    [{ memory: 'recomput' }, 'train.memory', 'Did you mean "recompute"?'],
  ])('name what is wrong in such an object or word: %o', (value, name, hint) => {
    const { code, text } = thrown(() => parseOptions(trainSchema, value, 'train'));
    expect(code).toBe('ERR_CONFIG');
    expect(text).toContain(`\`${name}\``);
    expect(text).toContain(hint);
  });

  it.each(recipeNames)('of the recipe %s are valid', (name) => {
    expect(trainSchema.parse(recipe(name))).toMatchObject({ batch: expect.any(Number) });
  });
});

describe('weight decay', () => {
  const decayed = (p: ParamSpec): boolean => p.kind === 'weight';
  const normToo = (p: ParamSpec): boolean => p.kind !== 'coefficient';
  const officialK = (p: ParamSpec): boolean => p.kind === 'weight' || p.path.endsWith('.ks');
  const cases: readonly {
    readonly title: string;
    readonly graph: Graph;
    readonly settings: TrainSettingsInput;
    readonly decays: (p: ParamSpec) => boolean;
  }[] = [
    { title: 'weights', graph: tiny, settings: {}, decays: decayed },
    {
      title: 'norms and biases with decayNorm, k never',
      graph: tiny,
      settings: { decayNorm: true },
      decays: normToo,
    },
    { title: 'the official k', graph: official, settings: {}, decays: officialK },
  ];

  it.each(cases)('pulls one step by lr · decay · w, and nothing else: $title', async (row) => {
    const { graph, settings, decays } = row;
    const start = await tensorsOf(await tinyModel({ dtype: 'float64' }, graph));
    const one: TrainSettingsInput = { ...plain, ...settings, steps: 1 };
    const without = await outcome(one, graph);
    const withDecay = await outcome({ ...one, weightDecay: 0.5 }, graph);
    for (const param of graph.params) {
      const { path } = param;
      const pull = decays(param) ? 0.1 * 0.5 : 0;
      const errors = (withDecay.weights[path] ?? []).map((w, i) => {
        const expected = (without.weights[path]?.[i] ?? Number.NaN) - pull * (start[path]?.[i] ?? Number.NaN);
        return Math.abs(w - expected);
      });
      expect(Math.max(...errors), path).toBeLessThan(1e-14);
    }
  });

  it.each(cases)('has its own group in the optimiser: $title', ({ graph, settings, decays }) => {
    const indices = (wanted: boolean): number[] =>
      [...graph.params.entries()].filter(([, p]) => decays(p) === wanted).map(([i]) => i);
    const { groups } = optimizerSpec(graph.params, trainSchema.parse(settings));
    expect(groups).toEqual([
      { params: indices(true), lrScale: 1, decayScale: 1, adapts: false },
      { params: indices(false), lrScale: 1, decayScale: 0, adapts: false },
    ]);
  });

  it.each([
    { kind: 'weight', decay: undefined, decayNorm: false, decays: true },
    { kind: 'bias', decay: undefined, decayNorm: false, decays: false },
    { kind: 'norm', decay: undefined, decayNorm: false, decays: false },
    { kind: 'coefficient', decay: undefined, decayNorm: false, decays: false },
    { kind: 'bias', decay: undefined, decayNorm: true, decays: true },
    { kind: 'norm', decay: undefined, decayNorm: true, decays: true },
    { kind: 'coefficient', decay: undefined, decayNorm: true, decays: false },
    { kind: 'weight', decay: false, decayNorm: true, decays: false },
    { kind: 'coefficient', decay: true, decayNorm: false, decays: true },
    { kind: 'norm', decay: true, decayNorm: false, decays: true },
  ] as const)('of a $kind with decay $decay and decayNorm $decayNorm: $decays', (row) => {
    const { kind, decay, decayNorm, decays } = row;
    const param = { path: 'p', shape: [1], init: { kind: 'constant', value: 0 }, kind, depth: 0 } as const;
    const params = [decay === undefined ? param : { ...param, decay }] as unknown as readonly ParamSpec[];
    const { groups } = optimizerSpec(params, trainSchema.parse({ decayNorm }));
    expect(groups.map(({ decayScale }) => decayScale)).toEqual([decays ? 1 : 0]);
  });
});

describe('adaptive clipping', () => {
  it('bounds the gradient of every layer but the last', async () => {
    const free = await outcome({ ...plain, steps: 1 });
    const bound = await outcome({ ...plain, steps: 1, clipGrad: 1e-4, clipMode: 'agc' });
    const same = tiny.params.filter(({ path }) => String(free.weights[path]) === String(bound.weights[path]));
    expect(same.map(({ path }) => path)).toEqual(['head.fc.weight', 'head.fc.bias']);
  });
});

describe('parameter groups', () => {
  const groupOf = (settings: TrainSettingsInput, path: string): unknown => {
    const i = tiny.params.findIndex((param) => param.path === path);
    return optimizerSpec(tiny.params, trainSchema.parse(settings)).groups.find(({ params }) =>
      params.includes(i),
    );
  };

  it('multiply the rate by the layer decay for every depth below the head', () => {
    const scale = (path: string): unknown => groupOf({ layerDecay: 0.5 }, path);
    expect(scale('head.fc.weight')).toMatchObject({ lrScale: 1, decayScale: 1 });
    expect(scale('head.fc.bias')).toMatchObject({ lrScale: 1, decayScale: 0 });
    // the last step lies with the head
    expect(scale('stage2.step1.f0.conv1.weight')).toMatchObject({ lrScale: 1 });
    expect(scale('stage2.step0.f0.conv1.weight')).toMatchObject({ lrScale: 0.5 });
    expect(scale('stage1.step1.k')).toMatchObject({ lrScale: 0.25 });
    // and the first with the stem
    expect(scale('stage1.step0.f0.conv1.weight')).toMatchObject({ lrScale: 0.125 });
    expect(scale('stem.conv.weight')).toMatchObject({ lrScale: 0.125 });
  });

  it.each(['lars', 'lamb'] as const)(
    'let %s adapt the rate of weights, not of norms, biases and k',
    (optimizer) => {
      const { groups } = optimizerSpec(tiny.params, trainSchema.parse({ optimizer, decayNorm: true }));
      for (const { params, adapts } of groups)
        for (const i of params) expect(adapts).toBe(tiny.params[i]?.kind === 'weight');
      expect(groups.flatMap(({ params }) => params).toSorted((a, b) => a - b)).toEqual([
        ...tiny.params.keys(),
      ]);
    },
  );
});
