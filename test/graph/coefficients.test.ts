import { describe, expect, it } from 'vitest';
import { minus, plus, reciprocal, tanh, times } from '../../src/graph/coefficients.ts';
import { lin } from '../../src/graph/functions.ts';
import { type Graph, trace } from '../../src/graph/graph.ts';
import { uniform } from '../../src/graph/inits.ts';
import type { Coef } from '../../src/graph/node.ts';
import { summary } from '../../src/graph/summary.ts';
import { thrown } from '../support/errors.ts';
import { evaluate } from '../support/graphs/evaluate.ts';
import { scalar } from '../support/graphs/nets.ts';

const law = uniform(-1, 1);
const withK = (of: (k: Coef) => readonly Coef[]): Graph =>
  trace('k', scalar, (s, x) => {
    const k = s.param('k', [1], law);
    return lin(...of(k).map((coef) => [coef, x] as const));
  });

describe('coefficients', () => {
  it('fold numbers', () => {
    expect(plus(1, 2)).toBe(3);
    expect(minus(1, 0.25)).toBe(0.75);
    expect(times(2, 3)).toBe(6);
    expect(reciprocal(4)).toBe(0.25);
    expect(tanh(0)).toBe(0);
  });

  it('keep a parameter as it is when nothing changes it', () => {
    const graph = withK((k) => [plus(0, k), times(1, k), plus(k, 0), times(k, 1)]);
    expect(graph.coefs).toEqual([{ kind: 'param', param: 0 }]);
  });

  it('store every distinct expression once, parts first', () => {
    const graph = withK((k) => [minus(1, k), k, minus(1, k), 1]);
    expect(graph.coefs).toEqual([
      { kind: 'constant', value: 1 },
      { kind: 'constant', value: -1 },
      { kind: 'param', param: 0 },
      { kind: 'product', of: [1, 2] },
      { kind: 'sum', of: [0, 3] },
    ]);
    expect(graph.nodes[1]?.coefs).toEqual([4, 2, 4, 0]);
  });

  it('may share parts without being walked again and again', () => {
    const doubled = (k: Coef): Coef => Array.from({ length: 60 }).reduce<Coef>((sum) => plus(sum, sum), k);
    const graph = withK((k) => [doubled(k)]);
    expect(graph.coefs).toHaveLength(61);
    expect(summary(graph).totals.parameters).toBe(1);
    expect(evaluate(graph, { x: 1, param: () => 1 })).toBe(2 ** 60);
  });

  it('mean what they say', () => {
    const graph = withK((k) => [times(reciprocal(plus(1, k)), tanh(minus(k, 2)))]);
    expect(evaluate(graph, { x: 1, param: () => 0.5 })).toBeCloseTo(Math.tanh(-1.5) / 1.5, 14);
  });

  it('are refused when not finite', () => {
    expect(thrown(() => reciprocal(0)).code).toBe('ERR_CONFIG');
    expect(thrown(() => withK(() => [Number.NaN])).code).toBe('ERR_CONFIG');
  });

  it('are refused when their shapes differ', () => {
    const mix = (a: number[], b: number[]): Graph =>
      trace('mix', { ...scalar, channels: 2, mean: [0, 0], std: [1, 1] }, (s, x) =>
        lin([plus(s.param('a', a, law), s.param('b', b, law)), x]),
      );
    expect(mix([1], [2, 1, 1]).coefs).toHaveLength(3);
    expect(thrown(() => mix([3, 1, 1], [2, 1, 1])).code).toBe('ERR_SHAPE');
    expect(thrown(() => mix([3, 1, 1], [1])).code).toBe('ERR_SHAPE');
  });
});
