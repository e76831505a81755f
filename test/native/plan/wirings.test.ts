/** Values with several readers: gradients are summed, and no memory is used again too early. */
import { describe, expect, it } from 'vitest';
import * as fn from '../../../src/graph/functions.ts';
import { constant } from '../../../src/graph/inits.ts';
import type { Node } from '../../../src/graph/node.ts';
import { type Case, expectGradients, graphOf } from '../../support/graphs/cases.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { nativeModel, randomTensors, writeAll } from '../../support/natives.ts';
import * as ref from '../../support/reference.ts';
import { distance, type Tensor, tensor } from '../../support/tensor.ts';

/**
 * Nets in which a value has several readers; a is a convolution's result, whose memory relu may take over.
 */
const wirings: readonly Case[] = (
  [
    [
      'relu after another reader',
      (a) => fn.lin([2, a], [1, fn.relu(a)]),
      (a) => ref.lin([2, a], [1, ref.relu(a)]),
    ],
    [
      'relu before another reader',
      (a) => fn.lin([1, fn.relu(a)], [2, a]),
      (a) => ref.lin([1, ref.relu(a)], [2, a]),
    ],
    [
      'relu while a slice is alive',
      (a) => {
        const part = fn.slice(a, 1, 3);
        return fn.concat(fn.relu(a), part);
      },
      (a) => ref.concat(ref.relu(a), ref.slice(a, 1, 3)),
    ],
    [
      'relu of a slice, the whole being read later',
      (a) => fn.concat(fn.relu(fn.slice(a, 0, 2)), a),
      (a) => ref.concat(ref.relu(ref.slice(a, 0, 2)), a),
    ],
    [
      'relu of a slice of a slice',
      (a) => fn.concat(fn.relu(fn.slice(fn.slice(a, 0, 3), 1, 2)), fn.slice(a, 1, 2)),
      (a) => ref.concat(ref.relu(ref.slice(a, 1, 2)), ref.slice(a, 1, 2)),
    ],
    ['relu of relu', (a) => fn.concat(fn.relu(fn.relu(a)), a), (a) => ref.concat(ref.relu(a), a)],
    [
      'relu of padding by nothing',
      (a) => fn.concat(fn.relu(fn.padChannels(a, 0, 0)), a),
      (a) => ref.concat(ref.relu(a), a),
    ],
    [
      'relu of one combination term',
      (a) => fn.concat(fn.relu(fn.lin([1, a])), a),
      (a) => ref.concat(ref.relu(a), a),
    ],
    [
      'relu of a concatenation of one',
      (a) => fn.concat(fn.relu(fn.concat(a)), a),
      (a) => ref.concat(ref.relu(a), a),
    ],
    [
      'relu of a pooling by 1x1',
      (a) => fn.concat(fn.relu(fn.avgPool2d(a, { kernel: 1 })), a),
      (a) => ref.concat(ref.relu(a), a),
    ],
    [
      'one gradient for two combinations',
      (a) => fn.lin([1, fn.lin([1, a], [1, fn.relu(a)])], [1, fn.lin([1, a], [-3, a])]),
      (a) => ref.lin([-1, a], [1, ref.relu(a)]),
    ],
    [
      'halves that cross over',
      (a) => {
        const [u, v] = [fn.slice(a, 0, 2), fn.slice(a, 2, 4)];
        return fn.concat(fn.lin([1, u], [1, fn.relu(v)]), v, u);
      },
      (a) => {
        const [u, v] = [ref.slice(a, 0, 2), ref.slice(a, 2, 4)];
        return ref.concat(ref.lin([1, u], [1, ref.relu(v)]), v, u);
      },
    ],
  ] as readonly (readonly [string, (a: Node) => Node, (a: Tensor) => Tensor])[]
).map(([what, graph, value]) => ({
  what,
  image: [2, 2, 3, 3],
  graph: (s, x) => graph(fn.conv2d(x, s.param('weight', [4, 2, 1, 1], constant(0), { kind: 'weight' }))),
  value: (x, named) => value(ref.conv2d(x, named('weight'), {})),
}));

describe.each(wirings)('$what', (row) => {
  it('sums the gradients of all readers', () => expectGradients(row));

  it('leaves the value to its other readers in a prediction', async () => {
    const graph = graphOf(row);
    const model = nativeModel(graph);
    const values = randomTensors(graph);
    await writeAll(model, values);
    const pixels = Uint8Array.from(uniform('p', 36), (r) => 256 * r);
    const x = tensor(
      [2, 2, 3, 3],
      (n = 0, c = 0, y = 0, z = 0) => (pixels[n * 18 + y * 6 + z * 2 + c] ?? 0) / 255,
    );
    const wanted = row.value(x, (name) => values.get(name) ?? x, false);
    expect(distance(await model.predict(pixels, 2, 3, 3), wanted.data)).toBeLessThan(1e-6);
  });
});
