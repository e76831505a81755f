/** Convolutions of training that read their input through a norm, against those that read what it made. */
import { describe, expect, it } from 'vitest';
import * as fn from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import { constant } from '../../../src/graph/inits.ts';
import type { Dtype } from '../../../src/native/binding.ts';
import { normed } from '../../support/graphs/normed.ts';
import {
  type Gradients,
  gradients,
  nativeModel,
  plainInput,
  randomTensors,
  writeAll,
} from '../../support/natives.ts';
import { distance, random } from '../../support/tensor.ts';

/** Convolutions with loops of their own: in float32 they read x through the norm before them. */
describe.each([
  ['3 x 3', { channels: 16, kernel: 3, groups: 1 }],
  ['1 x 1', { channels: 16, kernel: 1, groups: 1 }],
  ['3 x 3 in groups', { channels: 32, kernel: 3, groups: 2 }],
  ['3 x 3 in narrow groups', { channels: 32, kernel: 3, groups: 8 }],
] as const)('a convolution of %s behind a norm', (_, { channels, kernel, groups }) => {
  const graphOf = (relu: boolean, bias: boolean): Graph =>
    trace('behind', plainInput(channels, 9, 8), (s, x) => {
      const { y } = normed(s, x);
      const shape = [channels, channels / groups, kernel, kernel] as const;
      const weight = s.param('conv', shape, constant(0), { kind: 'weight' });
      const options = { padding: (kernel - 1) / 2, groups };
      return fn.conv2d(
        relu ? fn.relu(y) : y,
        weight,
        bias ? { ...options, bias: s.param('added', [channels], constant(0)) } : options,
      );
    });

  it.each([
    [true, false],
    [true, true],
    [false, true],
  ])('has the value and the gradients of float64, relu: %j, bias: %j', async (relu, bias) => {
    const graph = graphOf(relu, bias);
    const shape = [3, channels, 9, 8];
    const of = async (dtype: Dtype): Promise<Gradients> => {
      const model = nativeModel(graph, dtype);
      await writeAll(model, randomTensors(graph));
      return gradients(graph, model, random('x', shape), random('cotangent', shape).data, true);
    };
    const [wanted, found] = [await of('float64'), await of('float32')];
    expect(distance(found.output, wanted.output)).toBeLessThan(1e-5);
    expect(distance(found.input, wanted.input)).toBeLessThan(1e-5);
    expect(found.params.size).toBe(bias ? 4 : 3);
    for (const [path, grad] of wanted.params)
      expect(distance(found.params.get(path) ?? [], grad), path).toBeLessThan(1e-5);
  });
});
