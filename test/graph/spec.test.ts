import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LmError } from '../../src/errors.ts';
import { Graph } from '../../src/graph/graph.ts';
import { summary } from '../../src/graph/summary.ts';
import { network } from '../../src/models/network.ts';
import { thrown } from '../support/errors.ts';
import { thin } from '../support/graphs/nets.ts';

const graph = network(thin);

/** A thin net's spec as free data, to be spoiled. */
// biome-ignore lint/suspicious/noExplicitAny: foreign data is what this file is about
const copy = (): any => JSON.parse(JSON.stringify(graph.toSpec()));

/** Every path to a value inside some data. */
function places(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))];
}

describe('Graph.fromSpec', () => {
  it('gives the graph back, also through JSON', () => {
    expect(Graph.fromSpec(graph.toSpec())).toEqual(graph);
    expect(Graph.fromSpec(copy())).toEqual(graph);
    expect(Graph.fromSpec(copy()).toSpec()).toEqual(graph.toSpec());
  });

  it('does not keep the data it was given', () => {
    const spec = copy();
    const read = Graph.fromSpec(spec);
    spec.nodes[1].attrs.stride[0] = 2;
    expect(read).toEqual(graph);
  });

  it('refuses a newer format with the hint to update', () => {
    const { code, text } = thrown(() => Graph.fromSpec({ ...copy(), version: 2, novelty: true }));
    expect(code).toBe('ERR_CHECKPOINT');
    expect(text).toContain('Update');
  });

  it('names the nearest operation for an unknown one', () => {
    const spec = copy();
    spec.nodes[1].op = 'conv3d';
    const { code, text } = thrown(() => Graph.fromSpec(spec));
    expect(code).toBe('ERR_GRAPH');
    expect(text).toContain('conv2d');
  });

  it('names the place of what is wrong', () => {
    const spec = copy();
    spec.nodes[3].inputs = ['1'];
    expect(thrown(() => Graph.fromSpec(spec)).text).toContain('graph.nodes[3].inputs[0]');
  });

  // biome-ignore lint/suspicious/noExplicitAny: foreign data
  const spoilt: readonly (readonly [string, (spec: any) => void])[] = [
    ['an input that comes later', (s) => s.nodes[1].inputs.fill(1)],
    ['an input out of range', (s) => s.nodes[1].inputs.fill(1000)],
    ['a negative index', (s) => s.nodes[1].inputs.fill(-1)],
    ['a parameter out of range', (s) => s.nodes[1].params.fill(1000)],
    ['an output out of range', (s) => Object.assign(s, { output: 1000 })],
    ['a second input node', (s) => Object.assign(s.nodes[1], { ...s.nodes[0] })],
    ['an operation that objects inherit', (s) => Object.assign(s.nodes[1], { op: 'constructor' })],
    ['two parameters of one path', (s) => Object.assign(s.params[1], { path: s.params[0].path })],
    ['a buffer with the path of a parameter', (s) => Object.assign(s.buffers[0], { path: s.params[0].path })],
    ['a weight of another width', (s) => Object.assign(s.params[0], { shape: [5, 3, 3, 3] })],
    ['a coefficient that reads itself', (s) => s.coefs.push({ kind: 'sum', of: [s.coefs.length, 0] })],
    ['an unused coefficient', (s) => s.coefs.push({ kind: 'constant', value: 7 })],
    ['an unused parameter', (s) => s.params.push({ ...s.params[0], path: 'dead' })],
    ['an unused node', (s) => s.nodes.push({ ...s.nodes[1] })],
    ['a step out of range', (s) => s.steps[0].after.fill(1000)],
    ['a step that begins with no state', (s) => s.steps[0].before.splice(0)],
    ['a step that ends in no state', (s) => s.steps[0].after.splice(0)],
    ['a step beyond the last', (s) => Object.assign(s.steps[0], { n: 6 })],
    ['an attribute too many', (s) => Object.assign(s.nodes[1].attrs, { dilation: [1, 1] })],
    ['a missing attribute', (s) => Reflect.deleteProperty(s.nodes[1].attrs, 'stride')],
    ['normalisation for other channels', (s) => s.input.mean.pop()],
    ['a deviation of zero', (s) => s.input.std.fill(0)],
    ['an old version', (s) => Object.assign(s, { version: 0 })],
    ['a key of another format', (s) => Object.assign(s, { extra: 1 })],
  ];
  it.each(spoilt)('refuses %s', (_, spoil) => {
    const spec = copy();
    spoil(spec);
    expect(thrown(() => Graph.fromSpec(spec)).code).toBe('ERR_GRAPH');
  });

  it('refuses circular data', () => {
    const spec = copy();
    spec.nodes[2].attrs = spec;
    expect(thrown(() => Graph.fromSpec(spec)).code).toBe('ERR_GRAPH');
  });

  it.each([null, undefined, 7, 'graph', [], {}, () => 0])('refuses %o', (value) => {
    expect(thrown(() => Graph.fromSpec(value)).code).toBe('ERR_GRAPH');
  });

  it('throws nothing but LmError on spoilt data', () => {
    const all = places(copy()).filter((path) => path.length > 0);
    const junk = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
      fc.integer({ min: -2, max: 60 }),
      fc.constantFrom('lin', 'relu', 'concat', 'slice', '__proto__', [1, 1], 2 ** 31 - 1, 1e300),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...all), junk), { minLength: 1, maxLength: 3 }),
        (changes) => {
          const spec = copy();
          for (const [path, value] of changes) assign(spec, path, value);
          expectLmErrorOnly(spec);
        },
      ),
      { numRuns: 500 },
    );
  });
});

function assign(target: unknown, path: readonly string[], value: unknown): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>(
      (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
      target,
    );
  if (typeof parent === 'object' && parent !== null) Reflect.set(parent, path.at(-1) ?? '', value);
}

function expectLmErrorOnly(spec: unknown): void {
  try {
    const read = Graph.fromSpec(spec);
    expect(Graph.fromSpec(read.toSpec())).toEqual(read);
    summary(read);
    read.shapes(2, 9, 7);
  } catch (error) {
    expect(error).toBeInstanceOf(LmError);
  }
}
