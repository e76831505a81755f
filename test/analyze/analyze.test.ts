import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze/analyze.ts';
import { relu } from '../../src/graph/functions.ts';
import { euler } from '../../src/schemes/euler.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { projected } from '../../src/schemes/projected.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { threeStep } from '../../src/schemes/threeStep.ts';
import { codeOf } from '../support/failures.ts';
import { fake, images, thinNet } from './fake.ts';

describe('analyze', () => {
  it('reads k in the sign of the paper, however it is stored', async () => {
    const paper = await analyze(fake(thinNet(linearTwoStep()), () => 0.3));
    const official = await analyze(fake(thinNet(linearTwoStep({ parameterization: 'official' })), () => 0.7));
    const bounded = await analyze(fake(thinNet(linearTwoStep({ bounded: 'tanh' })), () => Math.atanh(0.3)));
    for (const { steps } of [paper, official, bounded]) {
      const ks = steps.map(({ k }) => (k === null ? null : Number(k.mean.toFixed(9))));
      expect(ks).toEqual([null, 0.3, 0.3, null, 0.3, 0.3]);
    }
    expect(official.steps[1]?.learned).toEqual([
      { path: 'stage1.step1.ks', values: { mean: 0.7, min: 0.7, max: 0.7 } },
    ]);
    expect(bounded.notes.join()).toContain('tanh');
  });

  it('gives mean and range of a k per channel, and judges every channel', async () => {
    const graph = thinNet(linearTwoStep({ per: 'channel' }));
    const ks = [-1.5, 0.5, 0, 0];
    const { steps, regions } = await analyze(fake(graph, (_, i) => ks[i % 4] ?? 0));
    expect(steps[1]?.k).toEqual({ mean: -0.25, min: -1.5, max: 0.5 });
    expect(steps[1]?.modified?.first).toEqual({ mean: 0.75, min: -0.5, max: 1.5 });
    expect(steps[1]?.zeroStable).toBe(false);
    const main = regions.find(({ starting }) => !starting);
    expect(main?.variants.map(({ which, k }) => [which, k])).toEqual([
      ['least', -1.5],
      ['mean', -0.25],
      ['greatest', 0.5],
    ]);
    expect(main?.variants[2]?.path).toBe('stage1.step1, channel 1');
  });

  it('tells transitions, starting steps and the others apart', async () => {
    const { steps, regions, stages } = await analyze(fake(thinNet(linearTwoStep(), 4)));
    expect(steps.map(({ kind }) => kind ?? 'none')).toEqual([
      'one-step',
      'multistep',
      'multistep',
      'multistep',
      'none',
      'multistep',
      'multistep',
      'multistep',
    ]);
    expect(steps[4]?.reason).toContain('width');
    expect(regions.map(({ starting, steps: n }) => [starting, n])).toEqual([
      [true, 1],
      [false, 6],
    ]);
    expect(stages).toEqual([
      { stage: 1, steps: 4, first: 0, shape: [4, 8, 8] },
      { stage: 2, steps: 4, first: 4, shape: [8, 4, 4] },
    ]);
  });

  it('gives no k to a step that carries an older state without reading it', async () => {
    const { steps } = await analyze(fake(thinNet(threeStep(), 4)));
    expect(steps.map(({ k }) => k)).toEqual(steps.map(() => null));
    expect(steps[3]?.learned).toEqual([]);
    const trained = await analyze(fake(thinNet(threeStep({ trained: true }), 4), () => -1.8));
    expect(trained.steps[3]?.learned[0]).toMatchObject({ path: 'stage1.step3.c', values: { mean: -1.8 } });
  });

  it('says which operation makes a step no linear recurrence', async () => {
    const { steps, regions, notes } = await analyze(fake(thinNet(projected(euler, relu))));
    expect(steps[1]).toMatchObject({ polynomial: null, zeroStable: null, k: null });
    expect(steps[1]?.reason).toContain('relu');
    expect(regions).toEqual([]);
    expect(notes.join()).toContain('relu');
  });

  it('measures norms and trajectories on images, as many at a time as fit', async () => {
    const model = fake(thinNet(linearTwoStep()));
    const analysis = await analyze(model, { images: images(model.graph, 3), names: ['cat', 'dog'] });
    const { steps, trajectories } = analysis;
    expect(analysis.images).toBe(3);
    expect(model.calls).toHaveLength(1);
    for (const { norms, transition } of steps) {
      expect(norms?.state).toBeGreaterThan(0);
      expect(norms?.evaluations[0]?.relative).toBeGreaterThan(0);
      expect(norms?.change === null).toBe(transition);
    }
    expect(trajectories.map((t) => t.steps)).toEqual([
      [-1, 0, 1, 2],
      [3, 4, 5],
    ]);
    expect(trajectories[0]?.images.map(({ name }) => name)).toEqual(['cat', 'dog', 'image 3']);
    expect(trajectories[0]?.images[0]?.points).toHaveLength(4);
  });

  it('gives the norms of the values that were probed', async () => {
    const graph = thinNet(euler, 1);
    const ones = {
      ...fake(graph),
      probe: async (_: Uint8Array, nodes: readonly number[]) =>
        nodes.map((node) => ({
          shape: graph.shapes()[node] ?? [],
          data:
            (graph.shapes()[node] ?? []).reduce((a, b) => a * b) === 256
              ? new Float64Array(256).fill(node === graph.steps[0]?.before[0] ? 2 : 3)
              : new Float64Array(128),
        })),
    };
    const { steps } = await analyze(ones, { images: images(graph, 1) });
    expect(steps[0]?.norms).toEqual({
      state: 32,
      evaluations: [{ path: 'stage1.step0.f0', norm: 48, relative: 1.5 }],
      change: 16,
      relativeChange: 0.5,
    });
  });

  it('is plain data', async () => {
    const model = fake(thinNet(reversible, 3, { stages: [{ width: 4, steps: 3, stride: 1 }] }));
    const analysis = await analyze(model, { images: images(model.graph, 2), data: 'nothing' });
    expect(JSON.parse(JSON.stringify(analysis))).toEqual(analysis);
    expect(analysis.notes.join()).toContain('several variables');
  });

  it('refuses wrong options', async () => {
    const model = fake(thinNet(euler));
    expect(await codeOf(analyze(model, { images: new Uint8Array(5) }))).toBe('ERR_SHAPE');
    expect(await codeOf(analyze(model, { examples: 0 }))).toBe('ERR_CONFIG');
  });
});
