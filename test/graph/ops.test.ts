import { describe, expect, it } from 'vitest';
import * as op from '../../src/graph/functions.ts';
import { trace } from '../../src/graph/graph.ts';
import { constant } from '../../src/graph/inits.ts';
import type { Buffer, Node, Param } from '../../src/graph/node.ts';
import { type OpName, ops } from '../../src/graph/ops.ts';
import { dropout, gaussianNoise, mix, shake } from '../../src/graph/random.ts';
import { elements, type OpCall } from '../../src/graph/shapes.ts';
import { conv, norm } from '../../src/nn/layers.ts';
import { thrown } from '../support/errors.ts';

/** Makes a parameter or buffer of this shape. */
interface Make {
  param(...shape: number[]): Param;
  buffer(...shape: number[]): Buffer;
}

const input = { channels: 4, height: 6, width: 9, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] };

/** Shape of what `body` makes of an image [1, 4, 6, 9]. */
function shapeOf(body: (x: Node, make: Make) => Node): readonly number[] | undefined {
  const graph = trace('op', input, (root, x) => {
    let made = 0;
    const s = root.at('here');
    const make: Make = {
      param: (...shape) => s.param(`p${made++}`, shape, constant(0)),
      buffer: (...shape) => s.buffer(`b${made++}`, shape, 0),
    };
    return s.within(() => body(x, make));
  });
  return graph.shapes()[graph.output];
}

const normed = (x: Node, c: number, make: Make): Node => {
  const stats = op.batchNormStats(x, { runningMean: make.buffer(c), runningVar: make.buffer(c) });
  return op.batchNormApply(x, stats);
};

interface Case {
  readonly name: OpName;
  readonly body: (x: Node, make: Make) => Node;
  /** Of the result; where there is none, the shape that the message must show. */
  readonly shape: readonly number[];
}
type Row = readonly [Case['name'], Case['body'], Case['shape']];

const cases = (rows: readonly Row[]): Case[] => rows.map(([name, body, shape]) => ({ name, body, shape }));

const good = cases([
  ['input', (x) => x, [1, 4, 6, 9]],
  ['conv2d', (x, m) => op.conv2d(x, m.param(5, 4, 3, 3), { padding: 1 }), [1, 5, 6, 9]],
  ['conv2d', (x, m) => op.conv2d(x, m.param(5, 4, 3, 3), { padding: 1, stride: 2 }), [1, 5, 3, 5]],
  ['conv2d', (x, m) => op.conv2d(x, m.param(6, 2, 1, 7), { padding: [0, 3], groups: 2 }), [1, 6, 6, 9]],
  ['conv2d', (x, m) => op.conv2d(x, m.param(5, 4, 2, 2), { bias: m.param(5) }), [1, 5, 5, 8]],
  ['batchNormStats', (x, m) => normed(x, 4, m), [1, 4, 6, 9]],
  ['batchNormApply', (x, m) => normed(x, 4, m), [1, 4, 6, 9]],
  ['relu', (x) => op.relu(x), [1, 4, 6, 9]],
  ['lin', (x, m) => op.lin([1, x], [m.param(1), x], [m.param(4, 1, 1), x]), [1, 4, 6, 9]],
  ['avgPool2d', (x) => op.avgPool2d(x, { kernel: 2 }), [1, 4, 3, 4]],
  ['maxPool2d', (x) => op.maxPool2d(x, { kernel: 3, stride: 2, padding: 1 }), [1, 4, 3, 5]],
  ['globalAvgPool', (x) => op.globalAvgPool(x), [1, 4]],
  ['linear', (x, m) => op.linear(op.globalAvgPool(x), m.param(7, 4), m.param(7)), [1, 7]],
  ['concat', (x) => op.concat(x, op.slice(x, 0, 1), x), [1, 9, 6, 9]],
  ['slice', (x) => op.slice(x, 1, 4), [1, 3, 6, 9]],
  ['padChannels', (x) => op.padChannels(x, 2, 3), [1, 9, 6, 9]],
  ['shift', (x) => op.shift(x, [1, -2]), [1, 4, 6, 9]],
  ['mix', (x) => mix([x, x], shake()), [1, 4, 6, 9]],
  ['dropout', (x) => dropout(x, 0.5), [1, 4, 6, 9]],
  ['gaussianNoise', (x) => gaussianNoise(x, 0.1), [1, 4, 6, 9]],
]);

const bad = cases([
  ['conv2d', (x, m) => op.conv2d(x, m.param(5, 3, 3, 3)), [5, 3, 3, 3]],
  ['conv2d', (x, m) => op.conv2d(x, m.param(5, 4, 3)), [5, 4, 3]],
  ['conv2d', (x, m) => op.conv2d(x, m.param(5, 2, 3, 3), { groups: 2 }), [5, 2, 3, 3]],
  ['conv2d', (x, m) => op.conv2d(x, m.param(5, 4, 7, 7)), [5, 4, 7, 7]],
  ['conv2d', (x, m) => op.conv2d(x, m.param(5, 4, 1, 1), { bias: m.param(4) }), [5, 4, 1, 1]],
  ['batchNormStats', (x, m) => normed(x, 3, m), [1, 4, 6, 9]],
  ['relu', (x, m) => op.conv2d(op.relu(op.globalAvgPool(x)), m.param(5, 4, 3, 3)), [1, 4]],
  ['lin', (x) => op.lin([1, x], [1, op.slice(x, 0, 2)]), [1, 2, 6, 9]],
  ['lin', (x, m) => op.lin([m.param(4), x]), [1, 4, 6, 9]],
  ['lin', (x, m) => op.lin([m.param(3, 1, 1), x]), [1, 4, 6, 9]],
  ['avgPool2d', (x) => op.avgPool2d(x, { kernel: 2, padding: 2 }), [2, 2]],
  ['maxPool2d', (x) => op.maxPool2d(x, { kernel: 11 }), [11, 11]],
  ['linear', (x, m) => op.linear(x, m.param(7, 4)), [1, 4, 6, 9]],
  ['concat', (x) => op.concat(x, op.avgPool2d(x, { kernel: 2 })), [1, 4, 3, 4]],
  ['slice', (x) => op.slice(x, 2, 5), [1, 4, 6, 9]],
  ['slice', (x) => op.slice(x, 2, 2), [1, 4, 6, 9]],
  ['shift', (x) => op.shift(x, [0, 9]), [6, 9]],
  ['mix', (x) => mix([x, op.slice(x, 0, 2)], shake()), [1, 2, 6, 9]],
]);

describe('shape rules', () => {
  it('exist for every operation tested here, and every operation is tested', () => {
    expect(new Set(good.map(({ name }) => name))).toEqual(new Set(Object.keys(ops)));
  });

  it.each(good)('$name yields $shape', ({ body, shape }) => {
    expect(shapeOf(body)).toEqual(shape);
  });

  it.each(bad)('$name refuses what does not fit, naming its place and $shape', ({ body, shape }) => {
    const { code, text } = thrown(() => shapeOf(body));
    expect(code).toBe('ERR_SHAPE');
    expect(text).toContain('here');
    expect(text.replaceAll(' ', '')).toContain(shape.join(','));
  });

  it('keep statistics apart from feature maps', () => {
    const stats = (x: Node, m: Make): Node =>
      op.batchNormStats(x, { runningMean: m.buffer(4), runningVar: m.buffer(4) });
    expect(thrown(() => shapeOf((x, m) => op.relu(stats(x, m)))).code).toBe('ERR_GRAPH');
    expect(thrown(() => shapeOf((x) => op.batchNormApply(x, x))).code).toBe('ERR_GRAPH');
    expect(thrown(() => shapeOf(stats)).code).toBe('ERR_GRAPH');
  });

  it('refuse attributes that are no sizes', () => {
    for (const stride of [0, -1, 1.5, Number.NaN, 2 ** 40])
      expect(thrown(() => shapeOf((x, m) => op.conv2d(x, m.param(4, 4, 1, 1), { stride }))).code).toBe(
        'ERR_GRAPH',
      );
  });

  it('refuse terms of nothing', () => {
    expect(thrown(() => op.lin()).code).toBe('ERR_CONFIG');
    expect(thrown(() => op.concat()).code).toBe('ERR_CONFIG');
  });

  it('work for any batch and image size', () => {
    const graph = trace('any', input, (s, x) =>
      norm(s.at('b'), 2)(conv(s.at('c'), { in: 4, out: 2, kernel: 3 })(x)),
    );
    expect(graph.shapes(8, 5, 7)).toEqual([
      [8, 4, 5, 7],
      [8, 2, 5, 7],
      [2, 2],
      [8, 2, 5, 7],
    ]);
    expect(thrown(() => graph.shapes(0)).code).toBe('ERR_SHAPE');
    expect(thrown(() => graph.shapes(1, 2.5)).code).toBe('ERR_SHAPE');
  });

  it('count the multiplications of a grouped convolution by what a group reads', () => {
    const call: OpCall = {
      op: 'conv2d',
      path: '',
      image: [],
      inputs: [[1, 8, 5, 5]],
      sources: ['input'],
      params: [[6, 4, 3, 3]],
      buffers: [],
      coefs: [],
      attrs: { stride: [1, 1], padding: [1, 1], groups: 2 },
    };
    const output = ops.conv2d.shape(call);
    expect(ops.conv2d.macs?.(call, output)).toBe(elements([6, 5, 5]) * 4 * 9);
  });
});
