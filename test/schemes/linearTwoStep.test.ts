import { describe, expect, it } from 'vitest';
import { minus } from '../../src/graph/coefficients.ts';
import { lin } from '../../src/graph/functions.ts';
import { uniform } from '../../src/graph/inits.ts';
import { network } from '../../src/models/network.ts';
import type { Scheme } from '../../src/roles.ts';
import { euler } from '../../src/schemes/euler.ts';
import { type LinearTwoStepOptions, linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { thrown } from '../support/errors.ts';
import { evaluate } from '../support/graphs/evaluate.ts';
import { integrator, opaqueField, thin } from '../support/graphs/nets.ts';

/** The scheme that the documentation shows as a user's. */
const damped: Scheme = {
  name: 'damped',
  enter: (h) => h,
  step([u, prev], field, { s }) {
    const f = field();
    if (!prev) return [lin([1, u], [1, f(u)]), u];
    const k = s.param('k', [1], uniform(-0.1, 0));
    return [lin([minus(1, k), u], [k, prev], [1, f(u)]), u];
  },
};

describe('linearTwoStep', () => {
  it.each<LinearTwoStepOptions>([
    {},
    { per: 'channel' },
    { bounded: 'tanh' },
    { scaling: 'consistent' },
    { bounded: 'tanh', scaling: 'consistent' },
  ])('with k = 0 equals Euler to the bit: %o', (options) => {
    const relu = (u: number): number => 0.3 * Math.sin(u);
    const x = 1 / 3;
    const two = evaluate(integrator(linearTwoStep(options), 20, opaqueField), { x, relu, param: () => 0 });
    expect(two).toBe(evaluate(integrator(euler, 20, opaqueField), { x, relu }));
  });

  it('draws k from U(-0.1, 0), undecayed', () => {
    const { params } = network(thin);
    const ks = params.filter((param) => param.path.endsWith('.k'));
    expect(ks.map((k) => k.path)).toEqual([
      'stage1.step1.k',
      'stage1.step2.k',
      'stage2.step1.k',
      'stage2.step2.k',
    ]);
    for (const k of ks) {
      expect(k).toMatchObject({
        shape: [1],
        kind: 'coefficient',
        init: { kind: 'uniform', low: -0.1, high: 0 },
      });
      expect(k).not.toHaveProperty('decay');
    }
  });

  it('stores ks = 1 - k with decay as the official code does', () => {
    const { params } = network({ ...thin, scheme: linearTwoStep({ parameterization: 'official' }) });
    const ks = params.filter((param) => param.path.endsWith('.ks'));
    expect(ks).toHaveLength(4);
    expect(ks[0]).toMatchObject({ decay: true, init: { kind: 'uniform', low: 1, high: 1.1 } });
  });

  it('stores a = atanh k, undecayed, where k is bounded', () => {
    const { params } = network({ ...thin, scheme: linearTwoStep({ bounded: 'tanh' }) });
    const as = params.filter((param) => param.path.endsWith('.a'));
    expect(as).toHaveLength(4);
    expect(as[0]).toMatchObject({ kind: 'coefficient', init: { low: Math.atanh(-0.1), high: 0 } });
    expect(as[0]).not.toHaveProperty('decay');
  });

  it('has one k per channel on request', () => {
    const { params } = network({ ...thin, scheme: linearTwoStep({ per: 'channel', init: [0, 0.2] }) });
    const ks = params.filter((param) => param.path.endsWith('.k'));
    expect(ks.map((k) => k.shape)).toEqual([
      [4, 1, 1],
      [4, 1, 1],
      [8, 1, 1],
      [8, 1, 1],
    ]);
    expect(ks[0]?.init).toEqual({ kind: 'uniform', low: 0, high: 0.2 });
  });

  it('restarts its history at a stage border with the projected shortcut', () => {
    const { nodes, steps } = network(thin);
    const second = steps.find((step) => step.path === 'stage2.step1');
    const [u = -1, prev = -1] = second?.before ?? [];
    expect(nodes[u]?.path).toBe('stage2.step0');
    expect(nodes[prev]?.path).toBe('stage2.step0.shortcut.conv');
    const update = nodes[second?.after[0] ?? -1];
    expect(update?.inputs).toEqual([u, prev, second?.fields[0]?.output]);
  });

  it('records inverses in a net with stage borders, transitions aside', () => {
    const { steps } = network(thin);
    expect(steps.map((step) => step.inverse?.before.length)).toEqual([1, 2, 2, undefined, 2, 2]);
  });
});

describe("a user's scheme", () => {
  it('traces to what the built-in one traces to', () => {
    const own = network({ ...thin, scheme: damped });
    const builtIn = network({ ...thin, scheme: linearTwoStep() });
    expect(own.nodes).toEqual(builtIn.nodes);
    expect(own.params).toEqual(builtIn.params);
    // what follows is read by the inverse alone
    expect(own.coefs).toEqual(builtIn.coefs.slice(0, own.coefs.length));
    expect(own.steps.every((step) => step.scheme === 'damped')).toBe(true);
  });

  it('that returns no state is refused with its name', () => {
    const forgets = { name: 'forgets', step: () => undefined } as unknown as Scheme;
    const { code, text } = thrown(() => network({ ...thin, scheme: forgets }));
    expect(code).toBe('ERR_GRAPH');
    expect(text).toContain('forgets');
  });
});
