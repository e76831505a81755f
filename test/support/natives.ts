/** Native models as tests make and fill them. */
import type { Graph } from '../../src/graph/graph.ts';
import type { InputSpec } from '../../src/graph/spec.ts';
import type { Dtype, NativeModel, NativeSource, NativeStepTable } from '../../src/native/binding.ts';
import { type StepScalars, tableOf } from '../../src/train/stepTable.ts';
import { addon } from './addon.ts';
import { uniform } from './graphs/formula.ts';
import { nhwc, random, type Tensor } from './tensor.ts';

/** An input that is not normalised. */
export function plainInput(channels: number, height: number, width: number): InputSpec {
  return { channels, height, width, mean: Array(channels).fill(0), std: Array(channels).fill(1) };
}

/** A native model of a graph on the CPU. */
export function nativeModel(graph: Graph, dtype: Dtype = 'float64', seed: number | null = 0): NativeModel {
  return new (addon().Model)(graph.toSpec(), { device: 'cpu', dtype, seed });
}

/** Values for every parameter and buffer, by path; variances and coefficients are positive. */
export function randomTensors(graph: Graph): Map<string, Tensor> {
  const all = [...graph.params.map(({ kind, ...of }) => ({ kind, ...of })), ...graph.buffers];
  return new Map(
    all.map((spec) => {
      const positive = spec.path.includes('var') || ('kind' in spec && spec.kind === 'coefficient');
      return [spec.path, random(spec.path, spec.shape, positive ? 0.5 : -0.5)];
    }),
  );
}

export async function writeAll(model: NativeModel, values: ReadonlyMap<string, Tensor>): Promise<void> {
  await Promise.all([...values].map(([path, { data }]) => model.writeTensor(path, 'value', data)));
}

/** Every tensor of a graph, parameters before buffers. */
export async function readAll(graph: Graph, model: NativeModel): Promise<Map<string, number[]>> {
  const paths = [...graph.params, ...graph.buffers].map(({ path }) => path);
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path, Array.from(await model.readTensor(path, 'value'))] as const),
    ),
  );
}

export interface Gradients {
  readonly output: Float64Array;
  readonly input: Float64Array;
  readonly params: ReadonlyMap<string, Float64Array>;
}

/** Output for x [n, c, h, w], and the gradient of sum(output · cotangent) by x and by every parameter. */
export async function gradients(
  graph: Graph,
  model: NativeModel,
  x: Tensor,
  cotangent: Float64Array,
  training: boolean,
): Promise<Gradients> {
  const [n = 0, , h = 0, w = 0] = x.shape;
  const { output, inputGradient } = await model.vjp(nhwc(x), n, h, w, cotangent, { training });
  const params = await Promise.all(
    graph.params.map(
      async ({ path }) => [path, Float64Array.from(await model.readTensor(path, 'gradient'))] as const,
    ),
  );
  return { output: output.data, input: inputGradient?.data ?? new Float64Array(), params: new Map(params) };
}

/** A source of random images whose labels go round the classes. */
export function randomSource(graph: Graph, images: number, classes: number = graph.classes): NativeSource {
  const { channels, height, width } = graph.input;
  return new (addon().Source)({
    kind: 'memory',
    images: Uint8Array.from(uniform('pixels', images * height * width * channels), (r) => 256 * r),
    labels: Int32Array.from({ length: images }, (_, i) => i % classes),
    height,
    width,
    channels,
  });
}

/** The table of a chunk, a row for each step; what a row does not say is 0. */
export function chunkTable(rows: readonly Partial<StepScalars>[]): NativeStepTable {
  const none = { lr: 0, momentum: 0, weightDecay: 0, mixProb: 0, emaDecay: 0 };
  return tableOf(rows.map((row) => ({ ...none, ...row })));
}

/** 1, 2, 3, … */
export function counted(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => i + 1);
}
