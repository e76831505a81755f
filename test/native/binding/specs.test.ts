/**
 * Graphs that TypeScript would never let through, given to the native side: refused, not obeyed and not a
 * crash.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphSpec } from '../../../src/graph/spec.ts';
import { network } from '../../../src/models/network.ts';
import type { NativeModel } from '../../../src/native/binding.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { thin } from '../../support/graphs/nets.ts';

type Change = (spec: Draft) => void;
type Draft = { -readonly [K in keyof GraphSpec]: GraphSpec[K] } & { nodes: Record<string, unknown>[] };

const base = network(thin).toSpec();
const made = (spec: unknown): NativeModel =>
  new (addon().Model)(spec as GraphSpec, { device: 'cpu', dtype: 'float32', seed: null });

function changed(change: Change): Draft {
  const spec = JSON.parse(JSON.stringify(base));
  change(spec);
  return spec;
}

/** Changes one field of the first node of an operation. */
const node =
  (op: string, change: object): Change =>
  ({ nodes }) => {
    Object.assign(nodes.find((n) => n.op === op) ?? {}, change);
  };
const at = (op: string): number => base.nodes.findIndex((n) => n.op === op);
const param =
  (change: object): Change =>
  (spec) => {
    Object.assign(spec.params[0] ?? {}, change);
  };
const coef =
  (value: unknown): Change =>
  (spec) => {
    Object.assign(spec, { coefs: [...spec.coefs, value] });
  };

const unsafe: readonly (readonly [string, Change])[] = [
  ['an input that does not exist', node('relu', { inputs: [9999] })],
  ['an input that is the node itself', node('relu', { inputs: [at('relu')] })],
  ['an input after the node', node('relu', { inputs: [at('relu') + 1] })],
  ['a negative input', node('relu', { inputs: [-1] })],
  ['an input of 2^32', node('relu', { inputs: [2 ** 32] })],
  ['half an input', node('relu', { inputs: [0.5] })],
  ['no input', node('relu', { inputs: [] })],
  ['two inputs for one', node('relu', { inputs: [0, 1] })],
  ['no inputs for a combination', node('lin', { inputs: [], coefs: [] })],
  ['fewer coefficients than terms', node('lin', { coefs: [0] })],
  ['no coefficients', node('lin', { coefs: [] })],
  ['a coefficient that does not exist', node('lin', { coefs: [9999, 0, 0] })],
  ['no weight', node('conv2d', { params: [] })],
  ['three parameters', node('conv2d', { params: [0, 0, 0] })],
  ['a parameter that does not exist', node('conv2d', { params: [9999] })],
  ['no buffers', node('batchNormStats', { buffers: [] })],
  ['three buffers', node('batchNormStats', { buffers: [0, 1, 1] })],
  ['a buffer that does not exist', node('batchNormStats', { buffers: [0, 9999] })],
  ['statistics that are maps', node('batchNormApply', { inputs: [at('conv2d'), at('conv2d')] })],
  ['statistics read as maps', node('relu', { inputs: [at('batchNormStats')] })],
  ['an unknown operation', node('relu', { op: 'gelu' })],
  ['an internal operation', node('relu', { op: 'batchNormRelu' })],
  ['a second input', node('relu', { op: 'input', inputs: [] })],
  ['an input that reads', node('input', { inputs: [0] })],
  ['a stride of 0', node('conv2d', { attrs: { stride: [0, 1], padding: [1, 1], groups: 1 } })],
  ['a negative padding', node('conv2d', { attrs: { stride: [1, 1], padding: [-1, 1], groups: 1 } })],
  ['a padding of 2^62', node('conv2d', { attrs: { stride: [1, 1], padding: [2 ** 62, 1], groups: 1 } })],
  ['no groups', node('conv2d', { attrs: { stride: [1, 1], padding: [1, 1], groups: 0 } })],
  ['one stride', node('conv2d', { attrs: { stride: [1], padding: [1, 1], groups: 1 } })],
  ['no nodes', (spec) => Object.assign(spec, { nodes: [] })],
  ['another first node', (spec) => Object.assign(spec, { nodes: spec.nodes.slice(1), output: 0 })],
  ['an output that does not exist', (spec) => Object.assign(spec, { output: spec.nodes.length })],
  ['a negative output', (spec) => Object.assign(spec, { output: -1 })],
  ['an output of 2^32', (spec) => Object.assign(spec, { output: 2 ** 32 })],
  ['a shape of 2^41 numbers', param({ shape: [2 ** 21, 2 ** 20] })],
  ['a shape whose product is beyond 64 bits', param({ shape: [2 ** 32, 2 ** 32] })],
  ['a shape of eight large sizes', param({ shape: Array(8).fill(2 ** 31 - 1) })],
  ['a size of 0', param({ shape: [0] })],
  ['a negative size', param({ shape: [4, -1] })],
  ['half a size', param({ shape: [1.5] })],
  ['a shape that is a number', param({ shape: 4 })],
  ['an unknown law', param({ init: { kind: 'cauchy' } })],
  ['a law without numbers', param({ init: { kind: 'uniform' } })],
  ['a coefficient of a parameter that does not exist', coef({ kind: 'param', param: 9999 })],
  ['a coefficient of parameter 2^32', coef({ kind: 'param', param: 2 ** 32 })],
  ['a coefficient of itself', coef({ kind: 'tanh', of: [base.coefs.length] })],
  ['a sum of one', coef({ kind: 'sum', of: [0] })],
  ['a tanh of two', coef({ kind: 'tanh', of: [0, 0] })],
  ['an unknown coefficient', coef({ kind: 'cosine', of: [0] })],
  ['no channels', (spec) => Object.assign(spec.input, { channels: 0, mean: [], std: [] })],
  ['fewer means than channels', (spec) => Object.assign(spec.input, { mean: [0] })],
];

describe('the native side', () => {
  it.each(unsafe)('refuses %s with ERR_GRAPH', async (_, change) => {
    expect(await codeOf(() => void made(changed(change)))).toBe('ERR_GRAPH');
  });

  it('refuses two tensors of one path with ERR_NAME_TAKEN', async () => {
    const spec = changed((draft) => Object.assign(draft.params[1] ?? {}, { path: draft.params[0]?.path }));
    expect(await codeOf(() => void made(spec))).toBe('ERR_NAME_TAKEN');
  });

  it.each([null, undefined, 1, 'graph', [], {}, () => {}, Symbol.iterator, 1n, new Map(), new Date(0)])(
    'refuses %s as a graph with ERR_GRAPH',
    async (value) => expect(await codeOf(() => void made(value))).toBe('ERR_GRAPH'),
  );

  it('refuses data that holds itself with ERR_GRAPH', async () => {
    const ring: Record<string, unknown> = { ...base };
    ring.nodes = [ring];
    expect(await codeOf(() => void made(ring))).toBe('ERR_GRAPH');
    const list: unknown[] = [];
    list.push(list);
    expect(await codeOf(() => void made({ ...base, params: list }))).toBe('ERR_GRAPH');
  });

  it('passes an error of a getter on', () => {
    const spec = Object.defineProperty({ ...base }, 'nodes', {
      enumerable: true,
      get: () => {
        throw new RangeError('mine');
      },
    });
    expect(() => made(spec)).toThrow(RangeError);
  });

  it('takes sums of sums in time that does not double with each', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({ kind: 'sum', of: [base.coefs.length + i - 1, 0] }));
    const spec = changed((draft) => Object.assign(draft, { coefs: [...draft.coefs, ...rows] }));
    expect(await codeOf(() => void made(spec))).toBe('none');
  });
});

/** Any place in plain data. */
function places(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))];
}

function replaced(spec: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(spec));
  const last = path.at(-1);
  if (last === undefined) return value;
  const holder = path.slice(0, -1).reduce((of, key) => of[key], copy);
  holder[last] = value;
  return copy;
}

describe('a graph with any part replaced', () => {
  const all = places(base);
  const strange = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      -1,
      0,
      1,
      2,
      3,
      0.5,
      1e300,
      -(2 ** 53),
      2 ** 31,
      2 ** 32,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '',
      'relu',
      [],
      {},
      [0],
      [1, 1],
      [0, 0],
      true,
    ),
    fc.integer({ min: 0, max: 60 }),
  );

  // Seeded, so that it is the same every time; small images and sizes, so that what is accepted is cheap to
  // run.
  it('is refused with a code of ours, or runs to an end', async () => {
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: all.length - 1 }), strange, async (i, value) => {
        const spec = replaced(base, all[i] ?? [], value);
        const code = await codeOf(async () => {
          const model = made(spec);
          const { channels } = (spec as GraphSpec).input;
          await model.predict(new Uint8Array(64 * channels), 1, 8, 8);
          await model.vjp(new Float64Array(128 * channels), 2, 8, 8, null, { training: true });
        });
        codes.add(code);
        expect(code).toMatch(/^(none|ERR_\w+)$/);
      }),
      { numRuns: 400, seed: 1 },
    );
    expect([...codes]).toContain('none');
    expect([...codes]).toContain('ERR_GRAPH');
  });
});
