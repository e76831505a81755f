/** Cuts the tensors of a step where it takes their channels apart, so that every part moves as one. */
import { must } from '../must.ts';
import type { Applied, Part, Source, StepForm, Term, Value } from './linearForm.ts';

/** A value made of sources, and where it is cut. */
interface Target<T> {
  readonly value: Value<T>;
  readonly cuts: Set<number>;
}

/** A part of a source, and which. */
interface Placed extends Part {
  readonly source: number;
}

/** The parts of states, evaluations and other operations, and the states after the step in terms of them. */
export function partsOf<T>(
  sources: readonly Source<T>[],
  after: readonly Value<T>[],
): Omit<StepForm<T>, 'random'> {
  const cuts = sources.map(({ channels }) => new Set([0, channels]));
  const inputs = sources.map(({ input, channels, from }, s): Target<T> => {
    const value = input ?? [];
    const aligned = from === 'field' && width(value) === channels;
    return { value, cuts: (aligned ? cuts[s] : undefined) ?? new Set() };
  });
  const results = after.map((value, of): Target<T> => {
    const s = sources.findIndex((source) => source.from === 'state' && source.of === of);
    const aligned = width(value) === sources[s]?.channels;
    return { value, cuts: (aligned ? cuts[s] : undefined) ?? new Set() };
  });
  settle([...inputs, ...results], cuts);
  const { parts, termsAt } = placed(sources, cuts, after);
  const applied = ({ source, ...part }: Placed): Applied<T> => {
    const target = must(inputs[source]);
    const aligned = target.cuts === cuts[source];
    const starts = aligned ? [part.start] : intervals(target.cuts).map(({ start }) => start);
    const terms = starts.flatMap((start) => termsAt(target.value, start));
    return { ...part, input: unique(terms), nodes: must(sources[source]).nodes };
  };
  return {
    states: parts.state.map(({ source: _, ...part }) => part),
    fields: parts.field.map(applied),
    others: parts.other.map(applied),
    after: results.flatMap(({ value, cuts: own }, of) =>
      intervals(own).map((part) => ({ of, ...part, terms: termsAt(value, part.start) })),
    ),
  };
}

/** Carries every cut to all tensors that share its channels, until nothing new is cut. */
function settle<T>(targets: readonly Target<T>[], cuts: readonly Set<number>[]): void {
  const count = (): number =>
    [...targets, ...cuts.map((set) => ({ cuts: set }))].reduce((n, t) => n + t.cuts.size, 0);
  for (let before = -1; before !== count(); ) {
    before = count();
    for (const { value, cuts: own } of targets) for (const segment of value) carry(segment, own, cuts);
  }
}

function carry<T>(
  { start, end, terms }: Value<T>[number],
  own: Set<number>,
  cuts: readonly Set<number>[],
): void {
  own.add(start).add(end);
  for (const { source, shift } of terms) {
    const other = must(cuts[source]);
    for (const cut of [...own]) if (cut >= start && cut <= end) other.add(cut + shift);
    for (const cut of [...other]) if (cut - shift >= start && cut - shift <= end) own.add(cut - shift);
  }
}

interface Placement<T> {
  readonly parts: Readonly<Record<Term<T>['from'], readonly Placed[]>>;
  /** Terms of a value on the part that starts at a channel. */
  readonly termsAt: (value: Value<T>, start: number) => Term<T>[];
}

/** Numbers the parts of all sources: states, evaluations and other operations, each in order. */
function placed<T>(
  sources: readonly Source<T>[],
  cuts: readonly Set<number>[],
  results: readonly Value<T>[],
): Placement<T> {
  const places = new Map<string, Pick<Term<T>, 'from' | 'i'>>();
  const parts: Record<Term<T>['from'], Placed[]> = { state: [], field: [], other: [] };
  const used = reachable(sources, results);
  const order = [...sources.entries()]
    .filter(([s, { from }]) => from === 'state' || used.has(s))
    .toSorted(([, a], [, b]) => a.of - b.of);
  for (const [source, { from, of }] of order)
    for (const { start, end } of intervals(must(cuts[source]))) {
      places.set(`${source} ${start}`, { from, i: parts[from].length });
      parts[from].push({ of, start, end, source });
    }
  const termsAt = (value: Value<T>, start: number): Term<T>[] => {
    const segment = value.find((s) => s.start <= start && start < s.end);
    return (segment?.terms ?? []).flatMap(({ source, shift, coef }) => {
      const place = places.get(`${source} ${start + shift}`);
      return place === undefined ? [] : [{ ...place, coef }];
    });
  };
  return { parts, termsAt };
}

/**
 * Sources that the results are made of, directly or not: operations in a row leave their beginnings behind.
 */
function reachable<T>(sources: readonly Source<T>[], results: readonly Value<T>[]): Set<number> {
  const found = new Set<number>();
  const pending = [...results];
  for (let value = pending.pop(); value !== undefined; value = pending.pop())
    for (const { source } of value.flatMap(({ terms }) => terms)) {
      if (found.has(source)) continue;
      found.add(source);
      pending.push(must(sources[source]).input ?? []);
    }
  return found;
}

function intervals(cuts: ReadonlySet<number>): { start: number; end: number }[] {
  const sorted = [...cuts].toSorted((a, b) => a - b);
  return sorted.slice(1).map((end, i) => ({ start: must(sorted[i]), end }));
}

function unique<T>(terms: readonly Term<T>[]): Term<T>[] {
  return terms.filter(({ from, i }, at) => terms.findIndex((t) => t.from === from && t.i === i) === at);
}

function width<T>(value: Value<T>): number {
  return value.at(-1)?.end ?? 0;
}
