/** Typed arrays at the border: views, shared and transferred memory, wrong lengths and kinds. */
import { describe, expect, it } from 'vitest';
import { relu } from '../../../src/graph/functions.ts';
import { trace } from '../../../src/graph/graph.ts';
import { network } from '../../../src/models/network.ts';
import { norm } from '../../../src/nn/layers.ts';
import { codeOf } from '../../support/failures.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { thin } from '../../support/graphs/nets.ts';
import { counted, nativeModel, plainInput } from '../../support/natives.ts';

const graph = network(thin);

describe('an array', () => {
  const size = 8 * 8 * 3;
  const pixels = Uint8Array.from(uniform('p', size), (r) => 256 * r);

  it('may be a view into a larger buffer, or into shared memory', async () => {
    const model = nativeModel(graph);
    const wanted = await model.predict(pixels, 1, 8, 8);
    for (const buffer of [new ArrayBuffer(size + 7), new SharedArrayBuffer(size + 7)]) {
      const view = new Uint8Array(buffer, 5, size);
      view.set(pixels);
      expect(await model.predict(view, 1, 8, 8)).toEqual(wanted);
    }
    expect(await model.predict(Buffer.from(pixels), 1, 8, 8)).toEqual(wanted);
    const bias = new Float64Array([9, 9, 1, 2, 3, 4, 5, 9]).subarray(2, 7);
    await model.writeTensor('head.fc.bias', 'value', bias);
    expect(await model.readTensor('head.fc.bias', 'value')).toEqual(counted(5));
  });

  it('that was transferred away has no numbers any more', async () => {
    const gone = Uint8Array.from(pixels);
    structuredClone(gone, { transfer: [gone.buffer as ArrayBuffer] });
    expect(await codeOf(() => nativeModel(graph).predict(gone, 1, 8, 8))).toBe('ERR_SHAPE');
    const weights = counted(5);
    structuredClone(weights, { transfer: [weights.buffer as ArrayBuffer] });
    expect(await codeOf(() => nativeModel(graph).writeTensor('head.fc.bias', 'value', weights))).toBe(
      'ERR_SHAPE',
    );
  });

  it.each([
    ['one byte too few', size - 1, 1, 8, 8],
    ['one too many', size + 1, 1, 8, 8],
    ['none', 0, 1, 8, 8],
    ['no image', 0, 0, 8, 8],
    ['a negative count', size, -1, 8, 8],
    ['two negative sizes', size, 1, -8, -8],
    ['sizes whose product is beyond 64 bits', 0, 2 ** 32, 2 ** 32, 1],
  ])('of pixels is refused with %s', async (_, length, n, h, w) => {
    const model = nativeModel(graph);
    expect(await codeOf(() => model.predict(new Uint8Array(length), n, h, w))).toBe('ERR_SHAPE');
    expect(await codeOf(() => model.vjp(new Float64Array(length), n, h, w, null, { training: false }))).toBe(
      'ERR_SHAPE',
    );
    expect(await codeOf(() => model.probe(new Uint8Array(length), n, h, w, [0]))).toBe('ERR_SHAPE');
  });

  it.each([
    ['an array of numbers', Array.from(pixels) as unknown],
    ['another typed array', new Int8Array(size)],
    ['clamped bytes', new Uint8ClampedArray(size)],
    ['a buffer', new ArrayBuffer(size)],
    ['a string', 'pixels'],
    ['nothing', undefined],
    ['null', null],
    ['a proxy', new Proxy(pixels, {})],
  ])('is refused when it is %s', async (_, value) => {
    const model = nativeModel(graph);
    expect(await codeOf(() => model.predict(value as Uint8Array, 1, 8, 8))).toBe('ERR_CONFIG');
    expect(await codeOf(() => model.probe(value as Uint8Array, 1, 8, 8, [0]))).toBe('ERR_CONFIG');
    expect(await codeOf(() => model.writeTensor('head.fc.bias', 'value', value as Float64Array))).toBe(
      'ERR_CONFIG',
    );
    expect(await codeOf(() => model.vjp(value as Float64Array, 1, 8, 8, null, { training: false }))).toBe(
      'ERR_CONFIG',
    );
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined, null])(
    'is refused with the size %s',
    async (n) => {
      const model = nativeModel(graph);
      expect(await codeOf(() => model.predict(pixels, n as number, 8, 8))).toBe('ERR_CONFIG');
      expect(await codeOf(() => model.predict(pixels, 1, n as number, 8))).toBe('ERR_CONFIG');
    },
  );

  it('of a cotangent must be as long as the output, and a probed node be there', async () => {
    const model = nativeModel(graph);
    const x = new Float64Array(size);
    expect(await codeOf(() => model.vjp(x, 1, 8, 8, counted(4), { training: false }))).toBe('ERR_SHAPE');
    for (const id of [-1, graph.nodes.length, 2 ** 32])
      expect(await codeOf(() => model.probe(pixels, 1, 8, 8, [id]))).toBe('ERR_UNKNOWN_NAME');
  });

  it('may be too few values for batch statistics', async () => {
    const one = trace('bn', plainInput(2, 1, 1), (s, x) => relu(norm(s, 2)(x)));
    for (const dtype of ['float32', 'float64'] as const)
      expect(
        await codeOf(() => nativeModel(one, dtype).vjp(counted(2), 1, 1, 1, null, { training: true })),
      ).toBe('ERR_SHAPE');
  });
});
