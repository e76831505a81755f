/**
 * What a step computes, read off its record: every state after it as a linear combination of the states
 * before it, of its evaluations of f, and of whatever else stands between. Pictures and stability are made
 * from this.
 */
import { expected } from '../errors.ts';
import type { NodeSpec, StepRecord } from '../graph/spec.ts';
import { must } from '../must.ts';
import type { Segment, Source, StepForm, Value } from './linearForm.ts';
import { partsOf } from './stepParts.ts';

/** How coefficients are computed: with numbers to analyse a step, with expressions to draw it. */
export interface Ring<T> {
  readonly constant: (value: number) => T;
  /** Coefficient i of the graph. */
  readonly coef: (i: number) => T;
  readonly plus: (a: T, b: T) => T;
  readonly times: (a: T, b: T) => T;
}

/** What a step is read with. */
export interface StepReading<T> {
  readonly nodes: readonly NodeSpec[];
  readonly step: StepRecord;
  /** Channels of every node of the graph. */
  readonly channels: readonly number[];
  readonly ring: Ring<T>;
}

/**
 * Reads a step. Channel plumbing (slice, concat) is followed, elementwise noise is left out, and random
 * mixtures stand at their expectation; every operation that is none of these and no `lin` becomes an `other`.
 *
 * @example
 * stepForm({ nodes, step, channels, ring }).after[0]?.terms; // LM: (1 - k) state 0, k state 1, 1 field 0
 */
export function stepForm<T>(reading: StepReading<T>): StepForm<T> {
  const { step, nodes } = reading;
  const { value, sources } = reader(reading);
  const after = step.after.map(value);
  const until = randomUntil(nodes);
  const random = must(until[Math.max(...step.after) + 1]) > must(until[Math.min(...step.before)]);
  return { ...partsOf(sources, after), random };
}

/** Operations of a step outside of its evaluations of f that are followed. */
const mostOperations = 500;
const noise = ['dropout', 'gaussianNoise'];
const isRandom = ({ op }: NodeSpec): boolean => op === 'mix' || noise.includes(op);

/** How many of the first i nodes are random; counted once for a graph, for there are many steps. */
function randomUntil(nodes: readonly NodeSpec[]): Uint32Array {
  const known = counts.get(nodes);
  if (known !== undefined) return known;
  const made = new Uint32Array(nodes.length + 1);
  for (const [i, node] of nodes.entries()) made[i + 1] = must(made[i]) + (isRandom(node) ? 1 : 0);
  counts.set(nodes, made);
  return made;
}

const counts = new WeakMap<readonly NodeSpec[], Uint32Array>();

/** Follows a step from its results back to its states, each node once. */
function reader<T>(reading: StepReading<T>): { value: (node: number) => Value<T>; sources: Source<T>[] } {
  const { nodes, step, channels, ring } = reading;
  const sources: Source<T>[] = [];
  const values = new Map<number, Value<T>>();
  const first = Math.min(...step.before);
  let followed = 0;
  const width = (node: number): number => must(channels[node]);
  const own = (source: Source<T>): Value<T> => {
    const i = sources.push(source) - 1;
    return [{ start: 0, end: source.channels, terms: [{ source: i, shift: 0, coef: ring.constant(1) }] }];
  };
  for (const [of, node] of step.before.entries())
    values.set(node, own({ from: 'state', of, channels: width(node), input: null, nodes: [] }));
  const read = (node: number): Value<T> => {
    const of = step.fields.findIndex(({ output }) => output === node);
    const field = step.fields[of];
    if (field !== undefined)
      return own({ from: 'field', of, channels: width(node), input: value(field.input), nodes: [] });
    return combined(reading, node, value) ?? other(node);
  };
  /** Operations in a row are one. */
  const other = (node: number): Value<T> => {
    const from = node > first ? nodes[node]?.inputs[0] : undefined;
    const before = from === undefined ? [] : value(from);
    const last = sources[before[0]?.terms[0]?.source ?? -1];
    const chained =
      before.length === 1 && last?.from === 'other' && values.get(must(last.nodes.at(-1))) === before;
    const row = chained
      ? { input: last.input, nodes: [...last.nodes, node] }
      : { input: before, nodes: [node] };
    return own({ from: 'other', of: node, channels: width(node), ...row });
  };
  const value = (node: number): Value<T> => {
    const known = values.get(node);
    if (known !== undefined) return known;
    if (++followed > mostOperations)
      throw expected('ERR_GRAPH', `at most ${mostOperations} operations of its own`, step.path, 'more', {
        hint: 'What a scheme does outside of f is followed one operation after another.',
      });
    const made = read(node);
    values.set(node, made);
    return made;
  };
  return { value, sources };
}

/** Value of an operation that combines or moves channels; nothing for another one. */
function combined<T>(
  { nodes, channels, ring }: StepReading<T>,
  i: number,
  value: (node: number) => Value<T>,
): Value<T> | undefined {
  const node = nodes[i];
  if (node === undefined) return undefined;
  const { op, inputs, coefs, attrs } = node;
  if (noise.includes(op)) return value(must(inputs[0]));
  if (op === 'lin') return sum(inputs.map(value), coefs.map(ring.coef), ring);
  if (op === 'mix') {
    const weight = ring.constant(expectation(attrs, inputs.length));
    return sum(
      inputs.map(value),
      inputs.map(() => weight),
      ring,
    );
  }
  if (op === 'slice') return sliced(value(must(inputs[0])), Number(attrs.start), Number(attrs.end));
  if (op !== 'concat') return undefined;
  const starts = inputs.map((_, k) =>
    inputs.slice(0, k).reduce((at, input) => at + must(channels[input]), 0),
  );
  return inputs.flatMap((input, k) => moved(value(input), must(starts[k])));
}

/** Weight of every branch of `mix` in evaluation. */
function expectation(attrs: NodeSpec['attrs'], branches: number): number {
  if (attrs.law !== 'bernoulli') return 1 / branches;
  return attrs.scale === 'test' ? Number(attrs.keep) : 1;
}

function sliced<T>(value: Value<T>, start: number, end: number): Value<T> {
  const inside = value.filter((segment) => segment.end > start && segment.start < end);
  const cut = inside.map((s) => ({ ...s, start: Math.max(s.start, start), end: Math.min(s.end, end) }));
  return moved(cut, -start);
}

function moved<T>(value: Value<T>, by: number): Value<T> {
  return value.map(({ start, end, terms }) => ({
    start: start + by,
    end: end + by,
    terms: terms.map((term) => ({ ...term, shift: term.shift - by })),
  }));
}

/** Weighted sum of values of equal channels. */
function sum<T>(values: readonly Value<T>[], weights: readonly T[], ring: Ring<T>): Value<T> {
  const cuts = [...new Set(values.flat().flatMap(({ start, end }) => [start, end]))].toSorted(
    (a, b) => a - b,
  );
  return cuts.slice(1).map((end, i): Segment<T> => {
    const start = must(cuts[i]);
    const terms = values.flatMap((value, k) => {
      const weight = must(weights[k]);
      const segment = value.find((s) => s.start <= start && end <= s.end);
      return must(segment).terms.map((term) => ({ ...term, coef: ring.times(weight, term.coef) }));
    });
    return { start, end, terms: merged(terms, ring) };
  });
}

function merged<T>(terms: Segment<T>['terms'], ring: Ring<T>): Segment<T>['terms'] {
  const places = new Map<string, Segment<T>['terms'][number]>();
  for (const term of terms) {
    const key = `${term.source} ${term.shift}`;
    const found = places.get(key);
    places.set(key, found === undefined ? term : { ...term, coef: ring.plus(found.coef, term.coef) });
  }
  return [...places.values()];
}
