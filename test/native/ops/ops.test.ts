/**
 * Every operation's value, gradients and shape rule on the native side, against definitions in plain
 * TypeScript.
 */
import { describe, expect, it } from 'vitest';
import { trace } from '../../../src/graph/graph.ts';
import { inferAll } from '../../../src/graph/infer.ts';
import { type OpName, ops } from '../../../src/graph/ops.ts';
import type { GraphSpec } from '../../../src/graph/spec.ts';
import { addon } from '../../support/addon.ts';
import { thrown } from '../../support/errors.ts';
import { expectGradients, expectValue, graphOf } from '../../support/graphs/cases.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { nativeModel, plainInput } from '../../support/natives.ts';
import { opRows } from './opRows.ts';

const allCases = Object.values(opRows).flat();

describe('the table of operations', () => {
  it('has the same names on both sides', () => {
    expect(addon().info().ops).toEqual(Object.keys(ops));
  });

  it('has a row of cases here for every operation', () => {
    expect(Object.keys(opRows)).toEqual(Object.keys(ops));
    for (const name of Object.keys(ops) as OpName[]) {
      const used = opRows[name].map((row) => graphOf(row).nodes.some(({ op }) => op === name));
      expect(used.length > 0 && used.every(Boolean), name).toBe(true);
    }
  });
});

describe.each(Object.entries(opRows))('%s', (_, cases) => {
  describe.each(cases)('$what', (row) => {
    it.each([
      { dtype: 'float64', tolerance: 1e-13 },
      { dtype: 'float32', tolerance: 1e-5 },
    ] as const)('has the value of its definition in $dtype', ({ dtype, tolerance }) =>
      expectValue(row, dtype, tolerance),
    );

    it('has the gradients that differences of its definition give', () => expectGradients(row));

    it('has the same shapes as the rule in TypeScript, or the same refusal, for other sizes', () => {
      const graph = graphOf(row);
      const model = nativeModel(graph);
      for (let i = 0; i < 12; i++) {
        const [a = 0, b = 0, c = 0] = uniform(`${row.what}${i}`, 3);
        const sizes = [1 + Math.floor(4 * a), 1 + Math.floor(9 * b), 1 + Math.floor(9 * c)] as const;
        const ours = thrown(() => graph.shapes(...sizes)).code;
        expect(thrown(() => model.shapes(...sizes)).code, `${sizes}`).toBe(ours);
        if (ours === 'none') expect(model.shapes(...sizes)).toEqual(graph.shapes(...sizes));
      }
    });
  });
});

type Mutation = readonly [what: string, spec: GraphSpec];

/** Shapes next to a shape. */
function near(shape: readonly number[]): number[][] {
  const bent = shape.flatMap((_, d) =>
    [-1, 1].map((by) => shape.map((size, e) => (d === e ? Math.max(1, size + by) : size))),
  );
  return [[...shape, 1], [1, ...shape], shape.slice(1), shape.map(() => 1), ...bent].filter(
    (s) => s.length > 0,
  );
}

/** A spec with one tensor of another shape, one attribute changed, or one node's wiring changed. */
function mutations(spec: GraphSpec): Mutation[] {
  const tensors = (['params', 'buffers'] as const).flatMap((table) =>
    spec[table].flatMap((of, i) =>
      near(of.shape).map((shape): Mutation => {
        const changed = spec[table].map((one, j) => (i === j ? { ...one, shape } : one));
        return [`${of.path} [${shape}]`, { ...spec, [table]: changed }];
      }),
    ),
  );
  return [...tensors, ...attributes(spec), ...wirings(spec)];
}

const withNode = (spec: GraphSpec, i: number, change: object): GraphSpec => ({
  ...spec,
  nodes: spec.nodes.map((node, j) => (i === j ? { ...node, ...change } : node)),
});

function attributes(spec: GraphSpec): Mutation[] {
  return spec.nodes.flatMap((node, i) =>
    Object.entries(node.attrs).flatMap(([name, value]) => {
      const single = [0, 1, 2, 7, 100, 2 ** 31 - 1];
      const pairs = single.flatMap((n) => [
        [n, 1],
        [1, n],
        [n, n],
      ]);
      return (Array.isArray(value) ? pairs : name === 'eps' || name === 'momentum' ? [] : single).map(
        (other): Mutation => [
          `${node.op}.${name} ${other}`,
          withNode(spec, i, { attrs: { ...node.attrs, [name]: other } }),
        ],
      );
    }),
  );
}

function wirings(spec: GraphSpec): Mutation[] {
  return spec.nodes.flatMap((node, i) =>
    node.inputs.flatMap((_, place) =>
      spec.nodes.slice(0, i).map((_, source): Mutation => {
        const inputs = node.inputs.map((input, j) => (j === place ? source : input));
        return [`${node.op} reads ${inputs}`, withNode(spec, i, { inputs })];
      }),
    ),
  );
}

describe('a graph with a tensor, an attribute or an input changed', () => {
  it.each(allCases)('is refused by both sides alike: $what', (row) => {
    const { image } = row;
    const spec = graphOf(row).toSpec();
    for (const [what, changed] of mutations(spec)) {
      const ours = thrown(() => inferAll(changed, [1, ...image.slice(1)])).code;
      const theirs = thrown(
        () => new (addon().Model)(changed, { device: 'cpu', dtype: 'float32', seed: 0 }),
      ).code;
      expect(theirs, what).toBe(ours);
    }
  });
});

describe('sizes that are none', () => {
  const graph = trace('input', plainInput(2, 3, 3), (_, x) => x);

  it.each([
    [0, 3, 3],
    [1, 0, 3],
    [1, 3, 0],
    [-1, 3, 3],
    [1, -3, 3],
    [2 ** 31, 1, 1],
  ])('are refused by both sides: %d images of %d x %d', (n, h, w) => {
    expect(thrown(() => graph.shapes(n, h, w)).code).toBe('ERR_SHAPE');
    expect(thrown(() => nativeModel(graph).shapes(n, h, w)).code).toBe('ERR_SHAPE');
  });
});
