/**
 * Multi-level training: a trained model becomes one of twice the depth that does nearly the same, to be
 * trained further.
 */
import { z } from 'zod';
import { coefValues } from '../analyze/coefficients.ts';
import { linearMultistep, paperK } from '../analyze/multistep.ts';
import { type StepReader, stepReader } from '../analyze/recurrence.ts';
import { parseOptions } from '../check.ts';
import { expected, LmError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { StepRecord } from '../graph/spec.ts';
import { coreOf, Model } from '../model/model.ts';
import { copyTensors } from '../model/tensors.ts';
import { must } from '../must.ts';
import { doubled } from './doubled.ts';

/** How k and f of a step follow when it becomes two; see `deepen`. */
export type DeepenRule = 'first' | 'second';

/** Options of `deepen`. */
export interface DeepenOptions {
  /** Default 'first'. */
  readonly rule?: DeepenRule | undefined;
}

/** Schema of `DeepenOptions`; the command line has its flags from it. */
export const deepenSchema: z.ZodType<{ readonly rule: DeepenRule }, DeepenOptions> = z.object({
  rule: z
    .enum(['first', 'second'])
    .default('first')
    .describe("what of the modified equation is kept: its first order (k stays, f is halved), or u'' too"),
});

/** k and the factor on f in each of the two steps that a step of this k becomes. */
export interface HalfStep {
  readonly k: number;
  readonly scale: number;
}

/**
 * The step of half the length that integrates the same equation as u_{n+1} = (1 - k) u_n + k u_{n-1} +
 * f(u_n), whose modified equation with step dt is (1 + k) u' + (1 - k)/2 dt u'' = f. With k', f' = c f and
 * dt/2 it is (1 + k')/2 u' + (1 - k')/8 dt u'' = c f, so that
 *
 * - 'first': k' = k, c = 1/2 keeps (1 + k) u' = f; the weight of u'' is halved;
 * - 'second': k' = (3k - 1) / (3 - k), c = (1 + k') / (2 (1 + k)) = 1 / (3 - k) keeps u'' too.
 *
 * @example
 * halfStep(0, 'second'); // { k: -1/3, scale: 1/3 }
 */
export function halfStep(k: number, rule: DeepenRule): HalfStep {
  return rule === 'first' ? { k, scale: 0.5 } : { k: (3 * k - 1) / (3 - k), scale: 1 / (3 - k) };
}

/**
 * A model of twice the depth from a trained one: every step becomes two of half the length with its f, k by a
 * rule (`halfStep`), batch norms with their statistics. Steps between stages stay, so 9 steps in 3 stages
 * become 16. A step without a k (forward Euler) has f halved by both rules. f is scaled through its last
 * convolution. The optimiser's state does not come along. The caller closes both models.
 *
 * @throws ERR_GRAPH for a step of another form than u + f(u) or that with a learned k, for an f that ends in
 *   no convolution (the relu after every step of a post-activation net is in the way of both), and for k >= 3
 *   by the second rule; ERR_CONFIG for an unknown rule, ERR_BUSY during a training, ERR_CLOSED.
 * @see Chang et al., "Multi-level residual networks from dynamical systems view", 2018, for Euler nets.
 * @example
 * await train(shallow, data, { epochs: 10 });
 * await using deep = await deepen(shallow, { rule: 'second' });
 * await train(deep, data, { epochs: 10 });
 */
export async function deepen(model: Model, options: DeepenOptions = {}): Promise<Model> {
  const { rule } = parseOptions(deepenSchema, options, 'deepen');
  if (!(model instanceof Model)) throw expected('ERR_CONFIG', 'a model', 'model', model);
  const { graph, device, dtype, classNames } = model;
  if (model.training)
    throw new LmError(
      'ERR_BUSY',
      `The model "${graph.name}" is being trained: it is too early to deepen it`,
      { hint: 'Await the run, or stop it first: await run.stop().' },
    );
  const { transform, exif, sixteenBit } = model.input;
  const changes = await changesOf(model, rule);
  const { graph: deep, origins } = doubled(graph);
  const made = await Model.create(deep, {
    ...{ device: device as 'cpu', dtype, classNames },
    transform,
    exif,
    sixteenBit,
  });
  try {
    await copyTensors(coreOf(made), coreOf(model), origins);
    for (const [path, origin] of origins) {
      const change = changes.get(origin);
      if (change !== undefined) await made.writeTensor(path, change(await model.readTensor(origin)));
    }
    return made;
  } catch (error) {
    await made.close();
    throw error;
  }
}

type Values = Float32Array | Float64Array;
/** New values of a tensor from the old ones. */
type Change = (values: Values) => Values;

/** What changes beside the depth: tensors by path. */
async function changesOf(model: Model, rule: DeepenRule): Promise<Map<string, Change>> {
  const { graph } = model;
  const paths = graph.steps.flatMap(({ params }) => params.map((i) => must(graph.params[i]).path));
  const params = new Map<string, ArrayLike<number>>();
  for (const path of paths) params.set(path, await model.readTensor(path));
  const values = coefValues(graph, params);
  const reader = stepReader(graph, values);
  const changes = new Map<string, Change>();
  for (const step of graph.steps.filter(({ transition }) => !transition)) {
    checkForm(step, reader);
    const coef = olderCoef(graph, step);
    const ks = coef === undefined ? [] : must(values[coef]);
    const halves = coef === undefined ? [halfStep(0, 'first')] : ks.map((k) => halfStep(k, rule));
    if (rule === 'second' && coef !== undefined) {
      if (!ks.every((k) => k < 3)) throw unfit(step, `k = ${Math.max(...ks)}`);
      if (!hasPlainField(graph, step)) throw unfit(step, 'an f that k scales');
    }
    if (coef !== undefined) changeK(graph, step, coef, halves, changes);
    for (const { path, shape } of lastConv(graph, step)) {
      const size = shape.slice(1).reduce((a, b) => a * b, 1);
      const scale = (i: number): number => at(halves, Math.floor(i / size)).scale;
      changes.set(path, (old) => old.map((value, i) => value * scale(i)));
    }
  }
  return changes;
}

const at = <T>(items: readonly T[], i: number): T => must(items[items.length === 1 ? 0 : i]);

function checkForm(step: StepRecord, reader: StepReader): void {
  const recurrence = reader.recurrence(step, 'mean');
  if (typeof recurrence === 'string') throw unfit(step, recurrence);
  const form = linearMultistep(recurrence);
  if (form === null || paperK(form) === null) throw unfit(step, `a step of the scheme ${step.scheme}`);
}

/** Coefficient of u_{n-1} in the newest state after a step; undefined where it is not read. */
function olderCoef({ nodes }: Graph, { before, after }: StepRecord): number | undefined {
  const result = must(nodes[must(after[0])]);
  const [, older] = before;
  const place = older === undefined ? -1 : result.inputs.indexOf(older);
  return result.op === 'lin' ? result.coefs[place] : undefined;
}

/** Whether f stands in the newest state with a factor that is a number. */
function hasPlainField({ nodes, coefs }: Graph, { fields, after }: StepRecord): boolean {
  const result = must(nodes[must(after[0])]);
  const [field] = fields;
  const coef = field === undefined ? undefined : result.coefs[result.inputs.indexOf(field.output)];
  return coef !== undefined && must(coefs[coef]).kind === 'constant';
}

/** Makes the parameter behind a coefficient give the new k. */
function changeK(
  graph: Graph,
  step: StepRecord,
  coef: number,
  halves: readonly HalfStep[],
  changes: Map<string, Change>,
): void {
  const [source] = halves.map(({ k }) => solved(graph, coef, k));
  if (source === undefined) throw unfit(step, 'a k that is not learned');
  const { path } = must(graph.params[source.param]);
  changes.set(path, (old) => old.map((_, i) => must(solved(graph, coef, at(halves, i).k)).value));
}

/** The parameter that a coefficient is made of, and the value with which it comes to `value`. */
function solved(
  graph: Graph,
  i: number,
  value: number,
): { readonly param: number; readonly value: number } | undefined {
  const coef = graph.coefs[i];
  switch (coef?.kind) {
    case 'param':
      return { param: coef.param, value };
    case 'tanh':
      return solved(graph, coef.of[0], Math.atanh(value));
    case 'reciprocal':
      return solved(graph, coef.of[0], 1 / value);
    case 'sum':
    case 'product': {
      const parts = coef.of.map((part) => must(graph.coefs[part]));
      const known = parts.find((part) => part.kind === 'constant');
      if (known === undefined) return undefined;
      const other = must(coef.of[1 - parts.indexOf(known)]);
      return solved(graph, other, coef.kind === 'sum' ? value - known.value : value / known.value);
    }
    default:
      return undefined;
  }
}

/**
 * Weight and bias of the convolution that f ends in, which is read there alone; random gates of f pass a
 * factor on.
 */
function lastConv(
  graph: Graph,
  step: StepRecord,
): { readonly path: string; readonly shape: readonly number[] }[] {
  const { nodes, params } = graph;
  let node = nodes[step.fields[0]?.output ?? -1];
  while (node?.op === 'mix' && node.inputs.length === 1) node = nodes[must(node.inputs[0])];
  const own = node?.params ?? [];
  const readers = nodes.filter((other) => other.params.some((i) => own.includes(i)));
  if (node?.op === 'conv2d' && readers.length === 1 && step.fields.length === 1)
    return own.flatMap((i) => must(params[i]));
  throw unfit(step, `an f that ends in ${node?.op ?? 'nothing'}`);
}

function unfit({ path }: StepRecord, received: string): LmError {
  return new LmError(
    'ERR_GRAPH',
    `Expected u + f(u) or (1 - k) u + k u_prev + f(u) with a learned k below 3, f ending in a convolution, for \`${path}\` but received ${received}`,
    { hint: 'Pre-activation and LM nets can be deepened: preact_resnet20, lm_resnet20, ….' },
  );
}
