/** Our kernels beside the row of libtorch's own functions: one network, both ways. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../../src/graph/graph.ts';
import { network } from '../../../src/models/network.ts';
import type { Dtype, NativeModel } from '../../../src/native/binding.ts';
import { thinNets } from '../../support/graphs/thinNets.ts';
import { nativeModel } from '../../support/natives.ts';
import { distance, nhwc, random } from '../../support/tensor.ts';

interface Pass {
  readonly output: Float64Array;
  readonly input: Float64Array;
  readonly gradients: ReadonlyMap<string, ArrayLike<number>>;
}

/** Output and gradients of three images. */
async function pass(graph: Graph, model: NativeModel, training: boolean, plain: boolean): Promise<Pass> {
  const { channels, height, width } = graph.input;
  const x = nhwc(random('x', [3, channels, height, width]));
  const cotangent = random('cotangent', [3, graph.classes]).data;
  const options = { training, seed: 3, plain };
  const { output, inputGradient } = await model.vjp(x, 3, height, width, cotangent, options);
  const gradients = new Map<string, ArrayLike<number>>();
  for (const { path } of graph.params) gradients.set(path, await model.readTensor(path, 'gradient'));
  return { output: output.data, input: inputGradient?.data ?? new Float64Array(), gradients };
}

/** Relative to the largest gradient: one that is zero but for rounding has no digits of its own. */
function gap(found: Pass, wanted: Pass): number {
  const largest = (values: ArrayLike<number>): number => Math.max(...Array.from(values, Math.abs));
  const scale = Math.max(...Array.from(wanted.gradients.values(), largest));
  const gaps = Array.from(wanted.gradients, ([path, values]) => {
    const own = found.gradients.get(path) ?? [];
    return Math.max(...Array.from(values, (v, i) => Math.abs(v - (own[i] ?? Number.NaN)))) / scale;
  });
  return Math.max(distance(found.output, wanted.output), distance(found.input, wanted.input), ...gaps);
}

const nets = Object.entries(thinNets).map(([name, config]) => ({ name, graph: network(config) }));
/**
 * PolyNet multiplies rounding by 1e8; nets for 224 pixels, thin and small, norm over too few pixels for
 * float32.
 */
const wellConditioned = /^(lm_|preact_)?resnet20$|^revnet38$/;
const types: readonly { readonly dtype: Dtype; readonly bound: number; readonly of: RegExp }[] = [
  { dtype: 'float64', bound: 1e-8, of: /./ },
  { dtype: 'float32', bound: 1e-3, of: wellConditioned },
];

describe.each(types)('the kernels of the processor in $dtype', ({ dtype, bound, of }) => {
  it.each(nets.filter(({ name }) => of.test(name)))(
    'give $name what libtorch gives it, in training and in evaluation',
    async ({ graph }) => {
      const model = nativeModel(graph, dtype);
      for (const training of [true, false]) {
        const wanted = await pass(graph, model, training, true);
        expect(gap(await pass(graph, model, training, false), wanted)).toBeLessThan(bound);
      }
    },
  );
});
