/** Norms and means of a network's intermediate values on real images. */
import type { Graph } from '../graph/graph.ts';
import { elements } from '../graph/shapes.ts';
import type { StepRecord } from '../graph/spec.ts';
import { must } from '../must.ts';

/** Values of a node for n images, row-major: [n, C, H, W] or [n, F]. */
export interface ProbedValue {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What is needed of a model: `Model` has it. */
export interface Probed {
  readonly graph: Graph;
  readTensor(path: string): Promise<ArrayLike<number>>;
  /**
   * Values of nodes, by id, for uint8 images [n, height, width, channels] of the nominal size; evaluation
   * mode.
   */
  probe(pixels: Uint8Array, nodes: readonly number[]): Promise<readonly ProbedValue[]>;
}

/** Euclidean norms of one step, means over the images; a ratio is the mean of the images' ratios. */
export interface StepNorms {
  /** ||u_n|| */
  readonly state: number;
  /** For every evaluation of f: ||f(v)|| and ||f(v)|| / ||v||. */
  readonly evaluations: readonly {
    readonly path: string;
    readonly norm: number;
    readonly relative: number;
  }[];
  /** ||u_{n+1} - u_n|| and its part of ||u_n||; null where the step changes the shape. */
  readonly change: number | null;
  readonly relativeChange: number | null;
}

/** What was measured: norms of every step, and the mean over pixels of every asked state, by image. */
export interface Measured {
  readonly norms: readonly StepNorms[];
  /** Per state node: for every image, one number per channel. */
  readonly means: ReadonlyMap<number, readonly (readonly number[])[]>;
}

/** Numbers that one probe may bring back: 64 MiB. */
const budget = 2 ** 23;

/**
 * Probes a model on images: as many at once as 64 MiB hold, and where one image is too much, some steps at a
 * time.
 *
 * @param states nodes whose mean over pixels is wanted, all of them newest states of steps.
 */
export async function measure(
  model: Probed,
  pixels: Uint8Array,
  states: ReadonlySet<number>,
): Promise<Measured> {
  const { steps, input } = model.graph;
  const size = input.height * input.width * input.channels;
  const count = pixels.length / size;
  const sizes = model.graph.shapes().map(elements);
  const whole = sum(nodesOf(steps).map((i) => must(sizes[i])));
  const batch = Math.max(1, Math.min(count, Math.floor(budget / whole)));
  const perStep = steps.map((): StepNorms[] => []);
  const means = new Map<number, (readonly number[])[]>([...states].map((node) => [node, []]));
  for (let first = 0; first < count; first += batch) {
    const images = pixels.subarray(first * size, (first + batch) * size);
    const seen = new Set<number>();
    for (const group of groups(steps, sizes, batch)) {
      const nodes = nodesOf(group);
      const values = new Map((await model.probe(images, nodes)).map((value, i) => [must(nodes[i]), value]));
      for (const step of group) must(perStep[steps.indexOf(step)]).push(...normsOf(step, values));
      for (const [node, value] of values) {
        if (!states.has(node) || seen.has(node)) continue;
        seen.add(node);
        must(means.get(node)).push(...spatialMeans(value));
      }
    }
  }
  return { norms: perStep.map(meanNorms), means };
}

/** Steps in a row whose values fit the budget together. */
function groups(steps: readonly StepRecord[], sizes: readonly number[], batch: number): StepRecord[][] {
  const out: StepRecord[][] = [];
  let room = 0;
  for (const step of steps) {
    const cost = batch * sum(nodesOf([step]).map((i) => must(sizes[i])));
    if (cost > room) {
      out.push([]);
      room = budget;
    }
    must(out.at(-1)).push(step);
    room -= cost;
  }
  return out;
}

/** Newest states and the arguments and values of f, each once. */
function nodesOf(steps: readonly StepRecord[]): number[] {
  const nodes = steps.flatMap(({ before, after, fields }) => [
    must(before[0]),
    must(after[0]),
    ...fields.flatMap(({ input, output }) => [input, output]),
  ]);
  return [...new Set(nodes)].toSorted((a, b) => a - b);
}

/** Norms of one step, one entry per image. */
function normsOf(step: StepRecord, values: ReadonlyMap<number, ProbedValue>): StepNorms[] {
  const before = rows(must(values.get(must(step.before[0]))));
  const after = rows(must(values.get(must(step.after[0]))));
  return before.map((u, image): StepNorms => {
    const next = must(after[image]);
    const state = norm(u);
    const change = u.length === next.length && !step.transition ? distance(next, u) : null;
    const evaluations = step.fields.map(({ path, input, output }) => {
      const value = norm(must(rows(must(values.get(output)))[image]));
      return { path, norm: value, relative: value / norm(must(rows(must(values.get(input)))[image])) };
    });
    return { state, evaluations, change, relativeChange: change === null ? null : change / state };
  });
}

function meanNorms(all: readonly StepNorms[]): StepNorms {
  const mean = (of: (norms: StepNorms) => number | null): number | null => {
    const found = all.map(of).filter((x) => x !== null);
    return found.length === 0 ? null : sum(found) / found.length;
  };
  const evaluations = (all[0]?.evaluations ?? []).map(({ path }, i) => ({
    path,
    norm: mean((n) => n.evaluations[i]?.norm ?? null) ?? Number.NaN,
    relative: mean((n) => n.evaluations[i]?.relative ?? null) ?? Number.NaN,
  }));
  const [change, relativeChange] = [mean((n) => n.change), mean((n) => n.relativeChange)];
  return { state: mean((n) => n.state) ?? Number.NaN, evaluations, change, relativeChange };
}

/** One image after the other. */
function rows(value: ProbedValue): ArrayLike<number>[] {
  const data = Float64Array.from(value.data);
  const [n, ...rest] = value.shape;
  const size = elements(rest);
  return Array.from({ length: must(n) }, (_, i) => data.subarray(i * size, (i + 1) * size));
}

/** Mean over pixels per channel, for every image. */
function spatialMeans(value: ProbedValue): number[][] {
  const [, channels, ...plane] = value.shape;
  const size = elements(plane);
  return rows(value).map((row) =>
    Array.from({ length: must(channels) }, (_, c) => {
      let total = 0;
      for (let i = c * size; i < (c + 1) * size; i++) total += must(row[i]);
      return total / size;
    }),
  );
}

function norm(values: ArrayLike<number>): number {
  let square = 0;
  for (let i = 0; i < values.length; i++) square += must(values[i]) ** 2;
  return Math.sqrt(square);
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let square = 0;
  for (let i = 0; i < a.length; i++) square += (must(a[i]) - must(b[i])) ** 2;
  return Math.sqrt(square);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
