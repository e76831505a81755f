/** Values of coefficients, from the values of the parameters they read. */
import type { CoefSpec, GraphSpec } from '../graph/spec.ts';
import { must } from '../must.ts';

/** Mean, least and greatest of some values: those of one coefficient over its channels, or of one number. */
export interface Range {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** Values of every coefficient of a graph: one, or one per channel. */
export type CoefValues = readonly (readonly number[])[];

/** Where a coefficient is looked at: in one channel, or at its mean over all of them. */
export type Channel = number | 'mean';

/**
 * Evaluates every coefficient of a graph.
 *
 * @param values values of a parameter by its path.
 * @example
 * coefValues(graph, new Map([['stage1.step1.k', [-0.2]]])); // 1 - k is [1.2]
 */
export function coefValues(
  { coefs, params }: Pick<GraphSpec, 'coefs' | 'params'>,
  values: ReadonlyMap<string, ArrayLike<number>>,
): CoefValues {
  const done: (readonly number[])[] = [];
  const part = (i: number): readonly number[] => must(done[i]);
  const rule = (coef: CoefSpec): readonly number[] => {
    switch (coef.kind) {
      case 'constant':
        return [coef.value];
      case 'param':
        return Array.from(values.get(must(params[coef.param]).path) ?? []);
      case 'sum':
        return paired(part(coef.of[0]), part(coef.of[1]), (a, b) => a + b);
      case 'product':
        return paired(part(coef.of[0]), part(coef.of[1]), (a, b) => a * b);
      case 'reciprocal':
        return part(coef.of[0]).map((a) => 1 / a);
      case 'tanh':
        return part(coef.of[0]).map(Math.tanh);
    }
  };
  for (const coef of coefs) done.push(rule(coef));
  return done;
}

/** A coefficient in a channel, or its mean over channels. */
export function valueAt(values: readonly number[], channel: Channel): number {
  if (channel === 'mean') return rangeOf(values).mean;
  return values[values.length === 1 ? 0 : channel] ?? Number.NaN;
}

/** Mean and extremes; NaN of nothing. */
export function rangeOf(values: readonly number[]): Range {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const min = values.reduce((a, b) => Math.min(a, b), values[0] ?? Number.NaN);
  const max = values.reduce((a, b) => Math.max(a, b), values[0] ?? Number.NaN);
  return { mean, min, max };
}

/** Combines coefficients channel by channel; one of length 1 serves all channels. */
export function paired(
  a: readonly number[],
  b: readonly number[],
  of: (a: number, b: number) => number,
): readonly number[] {
  const long = a.length >= b.length ? a : b;
  return long.map((_, i) =>
    of(a[a.length === 1 ? 0 : i] ?? Number.NaN, b[b.length === 1 ? 0 : i] ?? Number.NaN),
  );
}
