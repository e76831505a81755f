/** Graphs from strangers that are small to write and large to walk. */
import { describe, expect, it } from 'vitest';
import { doubled } from '../../src/deepen/doubled.ts';
import { graphBounds } from '../../src/graph/bounds.ts';
import { plus, tanh, times } from '../../src/graph/coefficients.ts';
import { lin } from '../../src/graph/functions.ts';
import { Graph, trace } from '../../src/graph/graph.ts';
import { uniform } from '../../src/graph/inits.ts';
import type { Coef } from '../../src/graph/node.ts';
import type { CoefSpec, GraphSpec, NodeSpec, StepRecord } from '../../src/graph/spec.ts';
import { summary } from '../../src/graph/summary.ts';
import { drawNetwork } from '../../src/picture/network.ts';
import { thrown } from '../support/errors.ts';
import { evaluate } from '../support/graphs/evaluate.ts';
import { scalar } from '../support/graphs/nets.ts';

const node = (op: string, inputs: readonly number[], coefs: readonly number[] = []): NodeSpec => ({
  ...{ op, path: 'stage1.step0', inputs: [...inputs], params: [], buffers: [], coefs: [...coefs], attrs: {} },
});

const step = (n: number, last: number): StepRecord => ({
  ...{ path: `stage1.step${n}`, scheme: 's', stage: 1, n, N: n + 1, t: 0, transition: false },
  ...{ before: [0], after: [last], fields: [], params: [] },
});

/** A graph of one number: nodes, and one step from the first to the last. */
function graphOf(
  nodes: readonly NodeSpec[],
  coefs: readonly CoefSpec[] = [],
  change: object = {},
): GraphSpec {
  const last = nodes.length - 1;
  const k = {
    ...{ path: 'stage1.step0.k', shape: [1], depth: 0, kind: 'coefficient' as const },
    init: { kind: 'constant' as const, value: 0.5 },
  };
  const params = coefs.some(({ kind }) => kind === 'param') ? [k] : [];
  return {
    ...{ version: 1, name: 'n', input: scalar, nodes: [...nodes], params, buffers: [], coefs: [...coefs] },
    ...{ steps: [step(0, last)], output: last, ...change },
  };
}

const input = { ...node('input', []), path: 'input' };
/** A graph whose one coefficient is an expression of k. */
const coefficient = (coefs: readonly CoefSpec[]): GraphSpec =>
  graphOf([input, node('lin', [0], [coefs.length])], [{ kind: 'param', param: 0 }, ...coefs]);

const chain = (depth: number): CoefSpec[] =>
  Array.from({ length: depth }, (_, i) => ({ kind: 'tanh', of: [i] }));
const doublings = (kind: 'sum' | 'product', count: number): CoefSpec[] =>
  Array.from({ length: count }, (_, i) => ({ kind, of: [i, i] }));
const relus = (count: number): NodeSpec[] => [
  input,
  ...Array.from({ length: count }, (_, i) => node('relu', [i])),
];

describe('a graph that shares the parts of a coefficient', () => {
  it.each<[string, CoefSpec[]]>([
    ['forty sums', doublings('sum', 40)],
    ['forty products', doublings('product', 40)],
    ['expressions as deep as may be', chain(graphBounds.coefDepth)],
  ])('is drawn, counted and doubled in depth: %s', (_, coefs) => {
    const graph = Graph.fromSpec(coefficient(coefs));
    expect(drawNetwork(graph).length).toBeLessThan(20_000);
    expect(summary(graph).totals.parameters).toBe(1);
    expect(doubled(graph).graph.coefs).toHaveLength(2 * (coefs.length + 1));
  });

  it('is written as a multiple where it is one', () => {
    expect(drawNetwork(Graph.fromSpec(coefficient(doublings('sum', 3))))).toContain('8 k');
  });
});

describe('a graph that is too large is refused before it is walked', () => {
  const { nodes, coefs, steps, stages, list, text, coefDepth } = graphBounds;
  const wide = { ...scalar, channels: 4096, mean: new Array(4096).fill(0), std: new Array(4096).fill(1) };
  it.each<[string, () => GraphSpec]>([
    ['a chain of 20,000 expressions', () => coefficient(chain(20_000))],
    ['expressions a little too deep', () => coefficient(chain(coefDepth + 1))],
    ['nodes', () => graphOf(relus(nodes))],
    ['coefficients', () => coefficient(doublings('sum', coefs))],
    [
      'steps',
      () => graphOf(relus(1), [], { steps: Array.from({ length: steps + 1 }, (_, n) => step(n, 1)) }),
    ],
    [
      'stages',
      () =>
        graphOf(relus(1), [], {
          steps: Array.from({ length: stages + 1 }, (_, n) => ({ ...step(n, 1), stage: n })),
        }),
    ],
    [
      'inputs of all nodes',
      () =>
        graphOf([input, ...Array.from({ length: 300 }, (_, i) => node('concat', new Array(500).fill(i)))]),
    ],
    [
      'attributes of a node',
      () => {
        const attrs = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`a${i}`, null]));
        return graphOf([input, { ...node('relu', [0]), attrs } as unknown as NodeSpec]);
      },
    ],
    [
      'numbers in a result',
      () =>
        graphOf([input, { ...node('padChannels', [0]), attrs: { before: 2 ** 20, after: 0 } }], [], {
          input: { ...scalar, height: 2048, width: 2048 },
        }),
    ],
    ['inputs of a node', () => graphOf([input, node('concat', new Array(list + 1).fill(0))])],
    [
      'states of a step',
      () => graphOf(relus(1), [], { steps: [{ ...step(0, 1), before: new Array(list + 1).fill(0) }] }),
    ],
    ['letters of a name', () => graphOf(relus(1), [], { name: 'n'.repeat(text + 1) })],
    [
      'numbers of coefficients per channel',
      () => {
        const spec = coefficient(doublings('sum', 600));
        return { ...spec, input: wide, params: spec.params.map((k) => ({ ...k, shape: [4096, 1, 1] })) };
      },
    ],
  ])('%s', (_, make) => {
    expect(thrown(() => Graph.fromSpec(make())).code).toBe('ERR_GRAPH');
  });

  it('but may have as many nodes as that, in a row', () => {
    const graph = Graph.fromSpec(graphOf(relus(nodes - 1)));
    expect(summary(graph).layers).toHaveLength(2);
  });

  it('and a step whose operations cannot be followed is named where it is drawn', () => {
    const { code, text: told } = thrown(() => drawNetwork(Graph.fromSpec(graphOf(relus(20_000)))));
    expect(code).toBe('ERR_GRAPH');
    expect(told).toContain('stage1.step0');
  });
});

describe('a network under construction', () => {
  const withK = (of: (k: Coef) => Coef): Graph =>
    trace('k', scalar, (s, x) => lin([of(s.param('k', [1], uniform(0, 1))), x]));
  const repeated =
    (count: number, of: (k: Coef) => Coef) =>
    (k: Coef): Coef =>
      Array.from({ length: count }).reduce<Coef>(of, k);

  it('may have deep expressions, of which each part is stored once', () => {
    const graph = withK(repeated(450, (k) => plus(1, times(0.5, k))));
    expect(graph.coefs).toHaveLength(3 + 2 * 450);
    expect(evaluate(graph, { x: 1, param: () => 1 })).toBeCloseTo(2, 12);
  });

  it('is refused where they are so deep that no checkpoint of it could be read', () => {
    expect(thrown(() => withK(repeated(20_000, tanh))).code).toBe('ERR_GRAPH');
  });
});
