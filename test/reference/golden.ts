/** Golden files of scripts/reference, and how far a native model is from one. */
import { readFileSync } from 'node:fs';
import type { Graph } from '../../src/graph/graph.ts';
import type { BufferSpec } from '../../src/graph/spec.ts';
import { type NetworkConfig, network } from '../../src/models/network.ts';
import type { Amp, Dtype, NativeModel } from '../../src/native/binding.ts';
import { addon } from '../support/addon.ts';
import { formulaOf, uniform } from '../support/graphs/formula.ts';
import { trainingLoader } from '../support/loader.ts';
import { chunkTable, nativeModel } from '../support/natives.ts';

/** Norm of a tensor, and its product with a direction of the formula. */
type Shown = readonly [norm: number, product: number];

interface Pass {
  readonly mode: 'training' | 'evaluation';
  /** Of what the pass draws. */
  readonly seed: number;
  readonly logits: readonly number[];
  /** sum(logits · cotangent). */
  readonly value: number;
  /**
   * Of `value` by every parameter and the images (`input`), in the order of their paths: norms and products,
   * see `Shown`.
   */
  readonly gradients?: readonly number[];
  /** Running statistics after the pass, from 0 and 1, in the same form. */
  readonly statistics?: readonly number[];
}

export interface GoldenNet {
  /** Whose code it is. */
  readonly against: string;
  readonly image: readonly [n: number, channels: number, height: number, width: number];
  readonly passes: readonly Pass[];
}

export interface GoldenFile {
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: Readonly<Record<string, GoldenNet>>;
}

export function readGolden(file: string | URL): GoldenFile {
  return JSON.parse(readFileSync(file, 'utf8')) as GoldenFile;
}

/** A network for golden images: pixels are normalised by 0.5 and 0.25. */
export function graphFor(config: NetworkConfig, { image: [, channels, height, width] }: GoldenNet): Graph {
  const fill = (value: number): number[] => Array.from({ length: channels }, () => value);
  return network({ ...config, input: { channels, height, width, mean: fill(0.5), std: fill(0.25) } });
}

const direction = (path: string, count: number): Float64Array =>
  uniform(`${path}*`, count).map((r) => r - 0.5);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
};
const shown = (path: string, values: ArrayLike<number>): Shown => [
  Math.sqrt(dot(values, values)),
  dot(values, direction(path, values.length)),
];

/** The largest of relative errors. */
export class Worst {
  error = 0;
  where = '';

  add(error: number, where: string): void {
    if (error <= this.error) return; // NaN goes on
    [this.error, this.where] = [Number.isNaN(error) ? Number.POSITIVE_INFINITY : error, where];
  }
}

/**
 * Relative to the norm; tensors far smaller than the largest (a bias before a norm has no gradient at all) to
 * a part of that.
 */
function compare(
  worst: Worst,
  what: string,
  wanted: readonly number[],
  found: ReadonlyMap<string, Shown>,
): void {
  const paths = [...found.keys()].toSorted();
  if (wanted.length !== 2 * paths.length) worst.add(Number.POSITIVE_INFINITY, `number of ${what}s`);
  const least = 1e-4 * Math.max(...wanted.filter((_, i) => i % 2 === 0));
  for (const [i, path] of paths.entries()) {
    const [norm = Number.NaN, product = Number.NaN] = wanted.slice(2 * i);
    const [ownNorm, ownProduct] = found.get(path) ?? [Number.NaN, Number.NaN];
    const gap = Math.max(Math.abs(ownNorm - norm), Math.abs(ownProduct - product));
    worst.add(gap / Math.max(norm, least), `${what} ${path}`);
  }
}

/** The value of a running statistic by its place in the network. */
export function statisticOf({ path, shape }: BufferSpec): Float64Array {
  return uniform(path, shape[0] ?? 0).map((r) => (path.endsWith('var') ? 0.5 + r : r - 0.5));
}

/** Weights by formula; statistics as a network starts with them for a training pass, else by formula. */
async function write(graph: Graph, model: NativeModel, training: boolean): Promise<void> {
  for (const param of graph.params) await model.writeTensor(param.path, 'value', formulaOf(param));
  for (const buffer of graph.buffers) {
    const values = statisticOf(buffer);
    await model.writeTensor(buffer.path, 'value', training ? values.fill(buffer.value) : values);
  }
}

/**
 * Worst relative error of a pass: logits, its value, gradients and statistics where the golden file has them.
 */
export async function errorOf(
  graph: Graph,
  net: GoldenNet,
  pass: Pass,
  { dtype = 'float64', amp = 'none' }: { readonly dtype?: Dtype; readonly amp?: Amp } = {},
): Promise<Worst> {
  const worst = new Worst();
  const [n, channels, height, width] = net.image;
  const training = pass.mode === 'training';
  const model = nativeModel(graph, dtype, null);
  await write(graph, model, training);
  const pixels = uniform('pixels', n * height * width * channels).map((r) => Math.floor(256 * r));
  const x = pixels.map((pixel) => (pixel / 255 - 0.5) / 0.25);
  const cotangent = direction('cotangent', pass.logits.length);
  const options = { training, seed: pass.seed, amp };
  const given = pass.gradients === undefined ? null : cotangent;
  const { output, inputGradient } = await model.vjp(x, n, height, width, given, options);
  const size = Math.max(...pass.logits.map(Math.abs));
  for (const [i, logit] of pass.logits.entries())
    worst.add(Math.abs((output.data[i] ?? Number.NaN) - logit) / size, `logit ${i}`);
  worst.add(
    Math.abs(dot(output.data, cotangent) - pass.value) / Math.max(size, Math.abs(pass.value)),
    'value',
  );
  if (pass.gradients !== undefined) {
    const found = new Map<string, Shown>([['input', shown('input', inputGradient?.data ?? [])]]);
    for (const { path } of graph.params)
      found.set(path, shown(path, await model.readTensor(path, 'gradient')));
    compare(worst, 'gradient', pass.gradients, found);
  }
  if (pass.statistics !== undefined)
    compare(worst, 'statistic', pass.statistics, await statistics(graph, net, model, { pixels, amp }));
  model.close();
  return worst;
}

/** Running statistics after a training step that leaves the weights. */
async function statistics(
  graph: Graph,
  { image: [n, channels, height, width] }: GoldenNet,
  model: NativeModel,
  { pixels, amp }: { readonly pixels: Float64Array; readonly amp: Amp },
): Promise<ReadonlyMap<string, Shown>> {
  const { Source, Trainer } = addon();
  const images = Uint8Array.from(pixels);
  const source = new Source({ kind: 'memory', images, labels: new Int32Array(n), height, width, channels });
  const optimizer = { kind: 'sgd', nesterov: false, groups: [] } as const;
  const trainer = new Trainer(model, source, {
    loader: trainingLoader({ height, width, channels }, n, 0),
    seed: 0,
    amp,
    optimizer,
  });
  await trainer.run({ first: 0, table: chunkTable([{}]) });
  trainer.close();
  source.close();
  const found = new Map<string, Shown>();
  for (const { path } of graph.buffers) found.set(path, shown(path, await model.readTensor(path, 'value')));
  return found;
}
