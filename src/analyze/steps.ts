/** The steps of a model as time steps: everything that follows from the graph and its coefficients alone. */
import type { Graph } from '../graph/graph.ts';
import type { StepRecord } from '../graph/spec.ts';
import { must } from '../must.ts';
import type { StepAnalysis } from './analysis.ts';
import { type CoefValues, coefValues, type Range, rangeOf } from './coefficients.ts';
import { linearMultistep, linearOrder, modifiedEquation, paperK } from './multistep.ts';
import type { Characteristic } from './polynomials.ts';
import { type Recurrence, type StepReader, stepReader } from './recurrence.ts';
import { isZeroStable, rootsAtZero, stableLength } from './stability.ts';

/** One channel of a step (or its only one). */
export interface StepChannel {
  readonly polynomial: Characteristic;
  readonly k: number | null;
}

/** A step without measurements, and its channels one by one; none where it is no linear recurrence. */
export interface AnalysedStep {
  readonly step: Omit<StepAnalysis, 'norms'>;
  readonly states: number;
  readonly channels: readonly StepChannel[];
}

/** Values of parameters by path. */
export type ParamValues = ReadonlyMap<string, ArrayLike<number>>;

/** Analyses all steps of a graph. */
export function analyseSteps(graph: Graph, params: ParamValues, values: CoefValues): AnalysedStep[] {
  const reader = stepReader(graph, values);
  const shapes = graph.shapes();
  return graph.steps.map((step) => {
    const { path, scheme, stage, n, t, transition, fields } = step;
    const shape = must(shapes[must(step.after[0])]).slice(1);
    const learned = step.params.map((i) => {
      const name = must(graph.params[i]).path;
      return { path: name, values: rangeOf(Array.from(params.get(name) ?? [])) };
    });
    const place = { path, scheme, stage, n, t, transition, shape, evaluations: fields.length, learned };
    const mean = reader.recurrence(step, 'mean');
    if (typeof mean === 'string')
      return { step: { ...place, ...unknown, reason: mean }, states: 0, channels: [] };
    const channels = recurrences(reader, step, channelCount(step, graph, params));
    return {
      step: { ...place, ...known(step, mean, channels) },
      states: mean.matrix.length,
      channels: channels.map((recurrence) => ({
        polynomial: recurrence.characteristic,
        k: kOf(recurrence, step),
      })),
    };
  });
}

/** k_n of a step that has one, in the paper's sign: one value, or one per channel. */
export interface StepK {
  readonly path: string;
  readonly n: number;
  readonly values: readonly number[];
}

/**
 * k_n of every step of the form of eq. (1) of the paper, whatever the scheme stores (1 - k, a bounded form,
 * …).
 *
 * @param params values of the parameters that coefficients read, by path.
 * @example
 * kOfSteps(graph, new Map([['stage1.step1.k', [-0.2]]])); // [{ path: 'stage1.step1', n: 1, values: [-0.2] }]
 */
export function kOfSteps(graph: Graph, params: ParamValues): StepK[] {
  const reader = stepReader(graph, coefValues(graph, params));
  return graph.steps.flatMap((step) => {
    if (step.params.length === 0) return [];
    const ks = recurrences(reader, step, channelCount(step, graph, params)).map((r) => kOf(r, step));
    const values = ks.filter((k) => k !== null);
    return values.length > 0 && values.length === ks.length ? [{ path: step.path, n: step.n, values }] : [];
  });
}

const unknown = {
  kind: null,
  polynomial: null,
  roots: [],
  zeroStable: null,
  k: null,
  modified: null,
  order: null,
  real: null,
  imaginary: null,
} as const;

/** Channels whose coefficients may differ: 1 unless a parameter of the step has one value per channel. */
function channelCount(step: StepRecord, graph: Graph, params: ParamValues): number {
  return step.params.reduce(
    (most, i) => Math.max(most, params.get(must(graph.params[i]).path)?.length ?? 1),
    1,
  );
}

function recurrences(reader: StepReader, step: StepRecord, channels: number): Recurrence[] {
  return Array.from({ length: channels }, (_, c) => reader.recurrence(step, c)).filter(
    (r) => typeof r !== 'string',
  );
}

type Known = Omit<
  StepAnalysis,
  'norms' | 'path' | 'scheme' | 'stage' | 'n' | 't' | 'transition' | 'shape' | 'evaluations' | 'learned'
>;

function known(step: StepRecord, mean: Recurrence, channels: readonly Recurrence[]): Known {
  const polynomial = mean.characteristic;
  const ks = channels.map((channel) => kOf(channel, step)).filter((k) => k !== null);
  return {
    reason: null,
    kind: mean.kind,
    polynomial,
    roots: rootsAtZero(polynomial),
    zeroStable: channels.every(({ matrix }) => isZeroStable(matrix)),
    k: ks.length === channels.length ? rangeOf(ks) : null,
    modified: modifiedRanges(channels),
    order: linearOrder(polynomial),
    real: stableLength(polynomial, 'real'),
    imaginary: stableLength(polynomial, 'imaginary'),
  };
}

/** k of a channel; a step that carries an older state without reading it has none. */
function kOf(recurrence: Recurrence, { params }: StepRecord): number | null {
  const form = recurrence.kind === 'multistep' ? linearMultistep(recurrence) : null;
  const k = form === null ? null : paperK(form);
  return k === 0 && params.length === 0 ? null : k;
}

function modifiedRanges(channels: readonly Recurrence[]): Known['modified'] {
  const all = channels.map(linearMultistep).map((form) => form && modifiedEquation(form));
  const found = all.filter((equation) => equation !== null);
  if (found.length !== channels.length) return null;
  const range = (of: 'first' | 'second' | 'forcing'): Range => rangeOf(found.map((equation) => equation[of]));
  return { first: range('first'), second: range('second'), forcing: range('forcing') };
}
