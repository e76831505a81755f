/** One graph and what it computes in plain TypeScript; checks of the native side against it. */
import { expect } from 'vitest';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import type { Node } from '../../../src/graph/node.ts';
import type { Scope } from '../../../src/graph/scope.ts';
import type { Dtype } from '../../../src/native/binding.ts';
import { gradients, nativeModel, plainInput, randomTensors, writeAll } from '../natives.ts';
import { differences, distance, nhwc, random, type Tensor } from '../tensor.ts';

/** Looks a parameter or buffer up by its name. */
export type Named = (name: string) => Tensor;

export interface Case {
  readonly what: string;
  /** Batch and image the values are compared on. */
  readonly image: readonly [n: number, c: number, h: number, w: number];
  readonly graph: (s: Scope, x: Node) => Node;
  readonly value: (x: Tensor, named: Named, training: boolean) => Tensor;
}

export const graphOf = ({ image: [, c, h, w], graph }: Case): Graph =>
  trace('case', plainInput(c, h, w), graph);

const looked =
  (all: ReadonlyMap<string, Tensor>): Named =>
  (name) =>
    all.get(name) ?? { shape: [], data: new Float64Array() };

/** The native output is that of the definition, in both modes. */
export async function expectValue(row: Case, dtype: Dtype, tolerance: number): Promise<void> {
  const graph = graphOf(row);
  const values = randomTensors(graph);
  const model = nativeModel(graph, dtype);
  await writeAll(model, values);
  const x = random('x', row.image);
  const [n, , h, w] = row.image;
  for (const training of [false, true]) {
    const wanted = row.value(x, looked(values), training);
    const { output } = await model.vjp(nhwc(x), n, h, w, null, { training });
    expect(output.shape).toEqual(wanted.shape);
    expect(distance(output.data, wanted.data), `training: ${training}`).toBeLessThan(tolerance);
  }
}

/** The native gradients are the central differences of the definition, in both modes. */
export async function expectGradients(row: Case): Promise<void> {
  const graph = graphOf(row);
  const values = randomTensors(graph);
  const model = nativeModel(graph);
  await writeAll(model, values);
  const x = random('x', row.image);
  for (const training of [false, true]) {
    const value = (at: Tensor, all = values): Tensor => row.value(at, looked(all), training);
    const cotangent = random('cotangent', value(x).shape).data;
    const dot = ({ data }: Tensor): number => data.reduce((sum, v, i) => sum + v * (cotangent[i] ?? 0), 0);
    const found = await gradients(graph, model, x, cotangent, training);
    const byInput = differences(x, (at) => dot(value(at)));
    expect(distance(found.input, byInput), `by the input, training: ${training}`).toBeLessThan(1e-6);
    for (const { path } of graph.params) {
      const byParam = differences(looked(values)(path), (at) =>
        dot(value(x, new Map([...values, [path, at]]))),
      );
      expect(distance(found.params.get(path) ?? [], byParam), path).toBeLessThan(1e-6);
    }
  }
}
