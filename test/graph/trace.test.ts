import { describe, expect, it } from 'vitest';
import { conv2d, globalAvgPool, lin, relu } from '../../src/graph/functions.ts';
import { trace } from '../../src/graph/graph.ts';
import { constant, heNormal, normal, uniform } from '../../src/graph/inits.ts';
import type { Node } from '../../src/graph/node.ts';
import type { Scope } from '../../src/graph/scope.ts';
import { conv, linear, norm } from '../../src/nn/layers.ts';
import { thrown } from '../support/errors.ts';
import { scalar } from '../support/graphs/nets.ts';

const input = { ...scalar, height: 4, width: 4 };

describe('trace', () => {
  it('leaves out parameters, buffers and nodes that the output does not need', () => {
    const graph = trace('lean', input, (s, x) => {
      norm(s.at('unused'), 1)(x);
      s.param('idle', [3], constant(0));
      const u = conv(s.at('kept'), { in: 1, out: 2, kernel: 3 })(x);
      relu(u);
      return u;
    });
    expect(graph.nodes.map((node) => node.op)).toEqual(['input', 'conv2d']);
    expect(graph.params.map((param) => param.path)).toEqual(['kept.weight']);
    expect(graph.buffers).toEqual([]);
  });

  it('gives equal graphs for equal functions', () => {
    const build = (s: Scope, x: Node): Node =>
      linear(s.at('fc'), { in: 1, out: 3 })(globalAvgPool(norm(s.at('bn'), 1)(x)));
    expect(trace('a', input, build)).toEqual(trace('a', input, build));
  });

  it('names a parameter used twice once, and its nodes by their place', () => {
    const graph = trace('shared', input, (s, x) => {
      const f = conv(s.at('f'), { in: 1, out: 1, kernel: 3 });
      return lin([1, f(x)], [1, f(f(x))]);
    });
    expect(graph.params).toHaveLength(1);
    expect(graph.nodes.filter((node) => node.path === 'f')).toHaveLength(3);
  });

  it('refuses a second parameter or buffer of one path', () => {
    const twice = (second: (s: Scope) => unknown) => () =>
      trace('twice', input, (s, x) => {
        s.at('a').param('k', [1], constant(0));
        second(s);
        return x;
      });
    expect(thrown(twice((s) => s.at('a').param('k', [1], constant(0)))).code).toBe('ERR_NAME_TAKEN');
    expect(thrown(twice((s) => s.at('a').buffer('k', [1], 0))).code).toBe('ERR_NAME_TAKEN');
    expect(thrown(twice((s) => s.at('b').param('k', [1], constant(0)))).code).toBe('none');
  });

  it('refuses nodes and parameters of another trace', () => {
    let stray: Node | undefined;
    let other: Scope | undefined;
    trace('first', input, (s, x) => {
      other = s;
      stray = x;
      return x;
    });
    expect(thrown(() => trace('b', input, (_, x) => lin([1, x], [1, stray ?? x]))).code).toBe('ERR_GRAPH');
    expect(thrown(() => trace('c', input, () => stray as Node)).code).toBe('ERR_GRAPH');
    expect(thrown(() => relu(stray as Node)).code).toBe('ERR_GRAPH');
    expect(thrown(() => other?.param('late', [1], constant(0))).code).toBe('ERR_GRAPH');
  });

  it('refuses names with dots, sizes that are none, and inputs that are none', () => {
    const making = (body: (s: Scope) => unknown) => () =>
      trace('names', input, (s, x) => {
        body(s);
        return x;
      });
    expect(thrown(making((s) => s.at('a.b'))).code).toBe('ERR_CONFIG');
    expect(thrown(making((s) => s.at(''))).code).toBe('ERR_CONFIG');
    for (const shape of [[], [0], [1.5], [2 ** 30, 2 ** 30]])
      expect(thrown(making((s) => s.param('p', shape, constant(0)))).code).toBe('ERR_SHAPE');
    expect(thrown(() => trace('', input, (_, x) => x)).code).toBe('ERR_CONFIG');
    for (const change of [{ height: 0 }, { mean: [] }, { std: [0] }, { std: [Number.NaN] }])
      expect(thrown(() => trace('input', { ...input, ...change }, (_, x) => x)).code).toBe('ERR_CONFIG');
  });

  it('is frozen when done', () => {
    const graph = trace('frozen', input, (_, x) => relu(x));
    expect(Object.isFrozen(graph)).toBe(true);
    expect(Object.isFrozen(graph.nodes[1]?.inputs)).toBe(true);
    expect(Object.isFrozen(graph.input.mean)).toBe(true);
  });

  it('has scopes that say how deep they are, and pass it on', () => {
    const graph = trace('deep', input, (s, x) => {
      const w = s
        .at('a', 0.5)
        .at('b')
        .param('w', [1, 1, 1, 1], constant(1), { kind: 'weight', decay: false });
      return conv2d(x, w);
    });
    expect(graph.params).toEqual([
      {
        path: 'a.b.w',
        shape: [1, 1, 1, 1],
        init: { kind: 'constant', value: 1 },
        kind: 'weight',
        depth: 0.5,
        decay: false,
      },
    ]);
  });
});

describe('initial laws', () => {
  it('are He by fan-out for convolutions', () => {
    expect(heNormal([32, 16, 3, 3])).toEqual({ kind: 'normal', mean: 0, std: Math.sqrt(2 / (9 * 32)) });
    expect(thrown(() => heNormal([32, 16])).code).toBe('ERR_SHAPE');
  });

  it("are PyTorch's for a linear layer", () => {
    const graph = trace('fc', { ...scalar, channels: 4, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] }, (s, x) =>
      linear(s.at('fc'), { in: 4, out: 2 })(globalAvgPool(x)),
    );
    const init = { kind: 'uniform', low: -0.5, high: 0.5 };
    expect(graph.params).toMatchObject([
      { path: 'fc.weight', shape: [2, 4], kind: 'weight', init },
      { path: 'fc.bias', shape: [2], kind: 'bias', init },
    ]);
  });

  it('are refused when they are none', () => {
    expect(thrown(() => uniform(1, 0)).code).toBe('ERR_CONFIG');
    expect(thrown(() => normal(-1)).code).toBe('ERR_CONFIG');
    expect(thrown(() => constant(Number.NaN)).code).toBe('ERR_CONFIG');
  });
});
