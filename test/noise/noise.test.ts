import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { NodeSpec } from '../../src/graph/spec.ts';
import { summary } from '../../src/graph/summary.ts';
import { network } from '../../src/models/network.ts';
import { dropout } from '../../src/noise/dropout.ts';
import { gaussianNoise } from '../../src/noise/gaussianNoise.ts';
import * as noises from '../../src/noise/index.ts';
import { shakeShake } from '../../src/noise/shakeShake.ts';
import { stochasticDepth } from '../../src/noise/stochasticDepth.ts';
import type { Noise, Scheme } from '../../src/roles.ts';
import { euler } from '../../src/schemes/euler.ts';
import { fractal } from '../../src/schemes/fractal.ts';
import { leapfrog } from '../../src/schemes/leapfrog.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { poly } from '../../src/schemes/poly.ts';
import { projected } from '../../src/schemes/projected.ts';
import { rungeKutta } from '../../src/schemes/rungeKutta.ts';
import { thrown } from '../support/errors.ts';
import { evaluate } from '../support/graphs/evaluate.ts';
import { integrator, linearField, opaqueField, thin } from '../support/graphs/nets.ts';
import { type NoiseRow, table } from './table.ts';

const drawing = ({ nodes }: Graph, { op }: Pick<NoiseRow, 'op'>): NodeSpec[] =>
  nodes.filter((node) => node.op === op);

describe('the table of noises', () => {
  it('has a row for every built-in noise', () => {
    expect(new Set(table.map((row) => row.name))).toEqual(new Set(Object.keys(noises)));
  });
});

describe.each(table)('$title', (row) => {
  const { noise, functions, expectation } = row;

  it('is its expectation in evaluation, whatever the scheme', () => {
    const schemes: Scheme[] = [euler, linearTwoStep(), rungeKutta('rk4'), poly(2), fractal()];
    const given = { x: 1 / 3, param: () => 0.2 };
    for (const scheme of schemes) {
      const noisy = integrator(scheme, 6, linearField(-0.3), { noise });
      const quiet = integrator(scheme, 6, linearField(-0.3 * expectation));
      expect(evaluate(noisy, given)).toBeCloseTo(evaluate(quiet, given), 14);
    }
  });

  it('acts on every f and on nothing else, and says how', () => {
    const graph = network({ ...thin, noise });
    const found = drawing(graph, row);
    const exempt = row.name === 'stochasticDepth' && row.attrs.keep === undefined ? 1 : 0;
    const outputs = graph.steps.flatMap((step) => step.fields.map((field) => field.output)).slice(exempt);
    expect(found).toEqual(outputs.map((id) => graph.nodes[id]));
    for (const node of found) expect(node.attrs).toMatchObject(row.attrs);
  });

  it('has the weights of the functions it draws and none of its own', () => {
    const blocks = (graph: Graph): number =>
      graph.params.filter((param) => /\.f\d+\./.test(param.path)).length;
    const [quiet, noisy] = [network(thin), network({ ...thin, noise })];
    expect(blocks(noisy)).toBe(functions * blocks(quiet));
    expect(noisy.params.length - blocks(noisy)).toBe(quiet.params.length - blocks(quiet));
    if (functions === 1) expect(summary(noisy).totals.parameters).toBe(summary(quiet).totals.parameters);
  });

  it('draws once for all evaluations of one f, and apart for each f', () => {
    const groups = (scheme: Scheme): unknown[] =>
      drawing(integrator(scheme, 2, opaqueField, { noise }), row)
        .filter((node) => node.path.startsWith('stage1.step1'))
        .map((node) => node.attrs.group);
    expect(groups(poly(3))).toEqual([0, 1, 2].map(() => 'stage1.step1.f0'));
    expect(groups(rungeKutta('heun', { share: true }))).toEqual(['stage1.step1.f0', 'stage1.step1.f0']);
    expect(groups(rungeKutta('heun'))).toEqual([0, 1].map((i) => `stage1.step1.f${i * functions}`));
  });

  it('leaves the inverse of a reversible scheme what it was', () => {
    const shape = (graph: Graph): unknown =>
      graph.steps.map((step) => step.inverse?.nodes.map(({ op }) => op));
    expect(shape(integrator(leapfrog, 4, opaqueField, { noise }))).toEqual(
      shape(integrator(leapfrog, 4, opaqueField)),
    );
  });
});

describe('stochasticDepth', () => {
  /** Probability that f stays, step by step. */
  const keeps = (noise: Noise, steps: number): unknown[] => {
    const graph = integrator(euler, steps, opaqueField, { noise });
    const gates = graph.steps.map((step) => graph.nodes[step.fields[0]?.output ?? -1]);
    return gates.map((gate) => (gate?.op === 'mix' ? gate.attrs.keep : 1));
  };

  it('decays linearly from 1 to p_L by i/(N-1): the first f is never dropped', () => {
    const wanted = [1, 0.875, 0.75, 0.625, 0.5];
    expect(keeps(stochasticDepth(), 5)).toEqual(wanted);
    expect(keeps(stochasticDepth({ last: 0.8 }), 3)).toEqual([1, 0.9, 0.8]);
  });

  it('decays linearly by l/L as Huang counts: the first f may be dropped', () => {
    expect(keeps(stochasticDepth({ index: 'l/L' }), 4)).toEqual([0.875, 0.75, 0.625, 0.5]);
  });

  it('is constant on request', () => {
    expect(keeps(stochasticDepth({ rule: 'constant', last: 0.7 }), 3)).toEqual([0.7, 0.7, 0.7]);
  });

  it('makes no gate where nothing is dropped', () => {
    expect(keeps(stochasticDepth({ last: 1 }), 4)).toEqual([1, 1, 1, 1]);
    expect(keeps(stochasticDepth(), 1)).toEqual([1]);
    expect(keeps(stochasticDepth({ index: 'l/L' }), 1)).toEqual([0.5]);
  });

  it('counts the steps between stages, which have an f too', () => {
    const graph = network({ ...thin, noise: stochasticDepth({ last: 0.5 }) });
    const [border] = graph.steps.filter((step) => step.transition);
    const gate = graph.nodes[border?.fields[0]?.output ?? -1];
    expect(gate?.attrs.keep).toBeCloseTo(1 - (3 / 5) * 0.5, 15);
  });

  it('drops f alone: every term of the history stays', () => {
    const graph = network({ ...thin, noise: stochasticDepth() });
    const { before, after, fields } = graph.steps[5] ?? { before: [], after: [], fields: [] };
    expect(graph.nodes[after[0] ?? -1]?.inputs).toEqual([...before, fields[0]?.output]);
    expect(graph.nodes[fields[0]?.output ?? -1]?.op).toBe('mix');
  });

  it('is the inference scale of f where it scales at test time', () => {
    const noise = stochasticDepth({ last: 0.7, scale: 'test' });
    const graph = integrator(
      projected(euler, (u) => u),
      40,
      linearField(0.01),
      { noise },
    );
    const wanted = Array.from({ length: 40 }, (_, i) => 1 + 0.01 * (1 - (0.3 * i) / 39));
    expect(evaluate(graph, { x: 1 })).toBeCloseTo(
      wanted.reduce((a, b) => a * b),
      12,
    );
  });
});

describe('options of noises', () => {
  const wrong = <T>(value: unknown): T => value as T;

  it.each<[string, ErrorCode, () => unknown]>([
    ['a probability above 1', 'ERR_CONFIG', () => stochasticDepth({ last: 1.1 })],
    ['a probability that is no number', 'ERR_CONFIG', () => stochasticDepth({ last: Number.NaN })],
    ['an unknown rule', 'ERR_CONFIG', () => stochasticDepth({ rule: wrong('cosine') })],
    ['an unknown index', 'ERR_CONFIG', () => stochasticDepth({ index: wrong('l') })],
    ['an unknown place to scale', 'ERR_CONFIG', () => stochasticDepth({ scale: wrong('never') })],
    ['a gate per pixel', 'ERR_CONFIG', () => stochasticDepth({ per: wrong('pixel') })],
    ['an unknown backward law', 'ERR_CONFIG', () => shakeShake({ backward: wrong('normal') })],
    ['a draw per pixel', 'ERR_CONFIG', () => shakeShake({ per: wrong('pixel') })],
    ['a negative deviation', 'ERR_CONFIG', () => gaussianNoise({ std: -1 })],
    ['an infinite deviation', 'ERR_CONFIG', () => gaussianNoise({ std: 1 / 0 })],
    ['dropout of everything', 'ERR_CONFIG', () => dropout({ p: 1 })],
  ])('refuse %s', (_, code, make) => {
    expect(thrown(make).code).toBe(code);
  });

  it.each([gaussianNoise({ std: 0 }), dropout({ p: 0 })])('make no node for no noise', (noise) => {
    const ops = (graph: Graph): string[] => graph.nodes.map((node) => node.op);
    expect(ops(network({ ...thin, noise }))).toEqual(ops(network(thin)));
  });
});
