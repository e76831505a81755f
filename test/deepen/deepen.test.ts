/** A model of twice the depth: the rules, the graph, and how little changes. */
import { describe, expect, it } from 'vitest';
import { modifiedEquation } from '../../src/analyze/multistep.ts';
import { type DeepenRule, deepen, halfStep } from '../../src/deepen/deepen.ts';
import { doubled } from '../../src/deepen/doubled.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { Model } from '../../src/model/model.ts';
import { type NetworkConfig, network } from '../../src/models/network.ts';
import { presetConfig } from '../../src/models/presets.ts';
import { ownNorm } from '../../src/nn/shortcuts.ts';
import { projectedHistory } from '../../src/nn/transitions.ts';
import { stochasticDepth } from '../../src/noise/stochasticDepth.ts';
import { euler } from '../../src/schemes/euler.ts';
import { leapfrog } from '../../src/schemes/leapfrog.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { midpoint } from '../../src/schemes/midpoint.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { noiseBytes } from '../support/noise.ts';
import { noise, tiny, tinyConfig, tinyModel } from '../support/training.ts';

const rules: readonly DeepenRule[] = ['first', 'second'];
const equation = (k: number, forcing: number) => modifiedEquation({ history: [1 - k, k], forcing });

describe.each([-0.9, -0.3, -0.1, 0, 0.2, 0.5, 0.9])('half a step of k = %d', (k) => {
  // With the step halved u' has half the weight and dt u'' a quarter of it.
  const whole = equation(k, 1);
  const half = (rule: DeepenRule) => {
    const { k: own, scale } = halfStep(k, rule);
    const { first = 0, second = 0, forcing = 0 } = equation(own, scale) ?? {};
    return { first: first / 2 / forcing, second: second / 4 / forcing };
  };

  it("keeps the weight of u' by both rules, and that of u'' by the second alone", () => {
    const wanted = { first: whole?.first ?? 0, second: whole?.second ?? 0 };
    for (const rule of rules) expect(half(rule).first).toBeCloseTo(wanted.first, 12);
    expect(half('second').second).toBeCloseTo(wanted.second, 12);
    expect(half('first').second).toBeCloseTo(wanted.second / 2, 12);
  });

  it('follows the step on u′ = λ u to second order, and to third', () => {
    // The principal root of z² - (1 - k + λ) z - k, whose square is to be that of the whole step.
    const root = (of: number, λ: number) => {
      const b = 1 - of + λ;
      return (b + Math.sqrt(b * b + 4 * of)) / 2;
    };
    const error = (rule: DeepenRule, λ: number) => {
      const { k: own, scale } = halfStep(k, rule);
      return Math.abs(root(own, scale * λ) ** 2 - root(k, λ));
    };
    const λ = 0.02 * (1 + k) ** 2;
    const falls = rules.map((rule) => Math.log2(error(rule, λ) / error(rule, λ / 2)));
    expect(falls[0]).toBeCloseTo(2, 0);
    expect(falls[1]).toBeGreaterThan(2.8);
  });
});

describe('the second rule', () => {
  it('makes steps of thirds from Euler steps, and leaves k = 1 and -1 alone', () => {
    expect(halfStep(0, 'second')).toEqual({ k: -1 / 3, scale: 1 / 3 });
    expect(halfStep(1, 'second')).toEqual({ k: 1, scale: 1 / 2 });
    expect(halfStep(-1, 'second')).toEqual({ k: -1, scale: 1 / 4 });
  });
});

const three: NetworkConfig = {
  ...tinyConfig,
  stages: [
    { width: 4, steps: 3, stride: 1 },
    { width: 8, steps: 3, stride: 2 },
  ],
};

describe('the deep graph', () => {
  it('has every step of a stage twice, and every step between stages once', () => {
    const { graph, origins } = doubled(network(three));
    const steps = graph.steps.map(({ path, n, N, transition }) => ({ path, n, N, transition }));
    const place = (stage: number, step: number, n: number, transition = false) => ({
      path: `stage${stage}.step${step}`,
      n,
      N: 11,
      transition,
    });
    expect(steps).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((i) => place(1, i, i)),
      ...[0, 1, 2, 3, 4].map((i) => place(2, i, 6 + i, i === 0)),
    ]);
    expect(origins.get('stage2.step4.k')).toBe('stage2.step2.k');
    expect(origins.get('stage1.step3.f0.bn1.running_mean')).toBe('stage1.step1.f0.bn1.running_mean');
    expect(origins.size).toBe(graph.params.length + graph.buffers.length);
  });

  it('places its parameters as deep as their steps lie, between stem and head', () => {
    const { params } = doubled(network(three)).graph;
    const depths = new Map(params.map(({ path, depth }) => [path, depth]));
    expect(depths.get('stage1.step1.f0.conv1.weight')).toBeCloseTo(0.1, 12);
    expect(depths.get('stage2.step4.k')).toBe(1);
    expect([params[0]?.path, params.at(-1)?.path]).toEqual(['stem.conv.weight', 'head.fc.bias']);
  });

  it.each([
    ['euler', { ...three, scheme: euler }],
    [
      'history that goes on',
      { ...three, transition: projectedHistory(linearTwoStep(), { shortcut: ownNorm }) },
    ],
    ['stochastic depth', { ...three, noise: stochasticDepth({ last: 0.5 }) }],
    ['k per channel', { ...three, scheme: linearTwoStep({ per: 'channel', parameterization: 'official' }) }],
    ['stages of one step', { ...three, stages: three.stages.map((stage) => ({ ...stage, steps: 1 })) }],
    ['an LM bottleneck net', presetConfig('lm_resnext29_8x64d')],
  ] as const)('is a graph of its own, and can be doubled again: %s', (_, config) => {
    const { graph } = doubled(network({ ...config, name: 'net' }));
    const again = doubled(graph).graph;
    expect([graph.name, again.name]).toEqual(['net_x2', 'net_x2_x2']);
    expect(Graph.fromSpec(JSON.parse(JSON.stringify(again.toSpec()))).toSpec()).toEqual(again.toSpec());
    const groups = again.nodes.flatMap(({ attrs }) => attrs.group ?? []);
    expect(new Set(groups).size).toBe(groups.length);
  });
});

const images = noiseBytes(8 * 64, 3);

/** Multiplies every f of a model: a step of another length. */
async function scaleFields(model: Model, by: number): Promise<void> {
  for (const { path } of model.graph.params.filter((p) => /step\d+\.f0\.conv2\.weight$/.test(p.path)))
    await model.writeTensor(
      path,
      (await model.readTensor(path)).map((value) => value * by),
    );
}

/** How far the deep model's logits are from the shallow one's, as a part of these. */
async function distance(model: Model, rule: DeepenRule): Promise<number> {
  await using deep = await deepen(model, { rule });
  const [shallow, after] = [await model.logits(images), await deep.logits(images)];
  const norm = (values: Float32Array) => Math.hypot(...values);
  return norm(after.map((value, i) => value - (shallow[i] ?? 0))) / norm(shallow);
}

describe('a model that is deepened', () => {
  it.each(rules)('does nearly the same, the nearer the shorter its steps: rule %s', async (rule) => {
    const model = await tinyModel(
      { dtype: 'float64' },
      network({ ...three, scheme: linearTwoStep({ init: [0, 0] }) }),
    );
    const distances: number[] = [];
    for (let i = 0; i < 3; i++) {
      distances.push(await distance(model, rule));
      await scaleFields(model, 0.5);
    }
    const [first = 0, second = 0, third = 0] = distances;
    expect(first).toBeLessThan(0.25); // random weights: f is as large as u
    // Halving Euler steps leaves a difference of second order; the second rule adds that of f from step to
    // step, which is of first.
    for (const fall of [first / second, second / third])
      expect(fall).toBeGreaterThan(rule === 'first' ? 3 : 1.6);
  });

  it.each(rules)('has k and f by the rule, and all else as it was: %s', async (rule) => {
    const model = await tinyModel({ dtype: 'float64' });
    await using deep = await deepen(model, { rule });
    const read = async (of: Model, path: string) => Array.from(await of.readTensor(path));
    const [k = 0] = await read(model, 'stage1.step1.k');
    const half = halfStep(k, rule);
    for (const step of ['stage1.step2', 'stage1.step3']) {
      expect(await read(deep, `${step}.k`)).toEqual([half.k]);
      const conv = await read(model, 'stage1.step1.f0.conv2.weight');
      expect(await read(deep, `${step}.f0.conv2.weight`)).toEqual(conv.map((value) => value * half.scale));
      for (const path of ['f0.conv1.weight', 'f0.bn2.weight', 'f0.bn2.running_var'])
        expect(await read(deep, `${step}.${path}`)).toEqual(await read(model, `stage1.step1.${path}`));
    }
    const starting = await read(model, 'stage1.step0.f0.conv2.weight');
    expect(await read(deep, 'stage1.step1.f0.conv2.weight')).toEqual(starting.map((value) => value / 2));
    expect(await read(deep, 'stage2.step0.f0.conv2.weight')).toEqual(
      await read(model, 'stage2.step0.f0.conv2.weight'),
    );
  });

  it.each([
    {
      title: 'the official form',
      scheme: linearTwoStep({ parameterization: 'official' }),
      path: 'ks',
      to: (k: number) => 1 - k,
    },
    { title: 'a bounded k', scheme: linearTwoStep({ bounded: 'tanh' }), path: 'a', to: Math.atanh },
    { title: 'one per channel', scheme: linearTwoStep({ per: 'channel' }), path: 'k', to: (k: number) => k },
  ])('has its k whatever the scheme stores: $title', async ({ scheme, path, to }) => {
    const model = await tinyModel({ dtype: 'float64' }, network({ ...tinyConfig, scheme }));
    const { length } = await model.readTensor(`stage1.step1.${path}`);
    const ks = Array.from({ length }, (_, i) => 0.1 * i - 0.2);
    await model.writeTensor(`stage1.step1.${path}`, Float64Array.from(ks, to));
    await using deep = await deepen(model, { rule: 'second' });
    const found = await deep.readTensor(`stage1.step2.${path}`);
    const halves = ks.map((k) => halfStep(k, 'second'));
    halves.forEach(({ k }, i) => {
      expect(found[i]).toBeCloseTo(to(k), 12);
    });
    const [before, after] = await Promise.all([
      model.readTensor('stage1.step1.f0.conv2.weight'),
      deep.readTensor('stage1.step3.f0.conv2.weight'),
    ]);
    const perChannel = before.length / 4;
    before.forEach((value, i) => {
      expect(after[i]).toBeCloseTo(
        value * (halves[length === 1 ? 0 : Math.floor(i / perChannel)]?.scale ?? 0),
        12,
      );
    });
  });

  it('can be trained with stochastic depth, its steps drawn one by one', async () => {
    const model = await tinyModel({}, network({ ...tinyConfig, noise: stochasticDepth({ last: 0.5 }) }));
    await using deep = await deepen(model);
    const { steps } = await train(deep, { train: noise(16) }, { batch: 8 });
    expect(steps).toBe(2);
  });

  it('has steps that can be undone where the scheme can: the gradients are those of a stored pass', async () => {
    const model = await tinyModel(
      { dtype: 'float64' },
      network({ ...three, scheme: linearTwoStep({ init: [-0.6, -0.5] }) }),
    );
    await using deep = await deepen(model, { rule: 'second' });
    const x = Float64Array.from(images, (value) => value / 128 - 1);
    const cotangent = Float64Array.from({ length: 32 }, (_, i) => Math.sin(i));
    const gradients = async (kind: 'store' | 'reverse') => {
      await deep.vjp(x, cotangent, { training: true, memory: { kind } });
      return deep.readTensor('stem.conv.weight', 'gradient');
    };
    const [stored, undone] = [await gradients('store'), await gradients('reverse')];
    undone.forEach((value, i) => {
      expect(value).toBeCloseTo(stored[i] ?? Number.NaN, 9);
    });
  });

  it.each([
    { title: 'a post-activation net', config: presetConfig('resnet20') },
    { title: 'a reversible net', config: presetConfig('revnet38') },
    { title: 'leapfrog', config: { ...three, scheme: leapfrog } },
    { title: 'a k that is fixed', config: { ...three, scheme: midpoint } },
  ])('is refused for $title', async ({ config }) => {
    const model = await tinyModel({}, network({ ...config, name: 'other' }));
    expect(await codeOf(() => deepen(model))).toBe('ERR_GRAPH');
  });

  it('is refused by the second rule for a k of 3, an f that k scales, and for a rule that is none', async () => {
    const model = await tinyModel();
    await model.writeTensor('stage1.step1.k', Float32Array.of(3));
    expect(await codeOf(() => deepen(model, { rule: 'second' }))).toBe('ERR_GRAPH');
    expect(await codeOf(() => deepen(model, { rule: 'third' as 'first' }))).toBe('ERR_CONFIG');
    const scaled = await tinyModel(
      {},
      network({ ...tinyConfig, scheme: linearTwoStep({ scaling: 'consistent' }) }),
    );
    expect(await codeOf(() => deepen(scaled, { rule: 'second' }))).toBe('ERR_GRAPH');
    await using halved = await deepen(scaled);
    expect(halved.graph.steps).toHaveLength(tiny.steps.length + 3);
  });

  it('is refused during a training, and of a closed model', async () => {
    const model = await tinyModel();
    const run = train(model, { train: noise(16) }, { batch: 8 });
    expect(await codeOf(() => deepen(model))).toBe('ERR_BUSY');
    await run;
    await model.close();
    expect(await codeOf(() => deepen(model))).toBe('ERR_CLOSED');
  });
});
