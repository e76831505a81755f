/** Axes of a picture: the range of data, nice ticks, and how their numbers read. */

/** A point of a curve; a coordinate that is not finite is a gap. */
export type Point = readonly [x: number, y: number];

/** An axis: its range, its ticks, and where a value lies, from 0 (low end) to 1. */
export interface Axis {
  readonly ticks: readonly number[];
  readonly place: (value: number) => number;
  readonly format: (tick: number) => string;
}

/**
 * A linear axis over [low, high] with about `count` ticks at multiples of 1, 2, 2.5 or 5 times a power of
 * ten.
 *
 * @example
 * linearAxis(0, 1, 5).ticks; // [0, 0.2, 0.4, 0.6, 0.8, 1]
 */
export function linearAxis(low: number, high: number, count: number): Axis {
  const step = niceStep((high - low) / count);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
  return { ticks, place: (v) => (v - low) / (high - low), format: (tick) => formatNumber(tick, step) };
}

/**
 * A logarithmic axis over [low, high], both positive, with ticks at 1, 2 and 5 times the powers of ten.
 *
 * @example
 * logAxis(0.01, 2).ticks; // [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]
 */
export function logAxis(low: number, high: number): Axis {
  const decades = Math.log10(high / low);
  const marks = decades > 4 ? [1] : decades > 2.5 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++)
    for (const m of marks) ticks.push(Number(`${m}e${e}`));
  return {
    ticks: ticks.filter((t) => t >= low * (1 - 1e-9) && t <= high * (1 + 1e-9)),
    place: (v) => Math.log(Math.max(v, low) / low) / Math.log(high / low),
    format: (tick) => formatNumber(tick, tick),
  };
}

/**
 * Lowest and highest finite y of some curves; [0, 1] when there is none.
 *
 * @example
 * extent([[[0, 2], [1, Number.NaN], [2, 5]]]); // [2, 5]
 */
export function extent(curves: readonly (readonly Point[])[]): readonly [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const [, y] of curves.flat()) {
    if (!Number.isFinite(y)) continue;
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  return low <= high ? [low, high] : [0, 1];
}

/**
 * A range with some air around it, kept inside [least, most]; a constant gets room on both sides.
 *
 * @example
 * padded([2, 4], 0.05); // [1.9, 4.1]
 */
export function padded(
  [low, high]: readonly [number, number],
  part: number,
  least: number = Number.NEGATIVE_INFINITY,
  most: number = Number.POSITIVE_INFINITY,
): readonly [number, number] {
  const air = high > low ? (high - low) * part : Math.abs(high) * 0.1 || 1;
  return [Math.max(least, low - air), Math.min(most, high + air)];
}

/**
 * A number as it reads on an axis whose ticks are `step` apart.
 *
 * @example
 * formatNumber(12000, 2000); // '12,000'
 */
export function formatNumber(value: number, step: number): string {
  if (value === 0) return '0';
  if (Math.abs(step) < 1e-4 || Math.abs(value) >= 1e7)
    return Number(value.toPrecision(12)).toExponential().replace('e+', 'e');
  const digits = decimals(step);
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    useGrouping: Math.abs(value) >= 10_000,
  });
}

/** Decimals that tell multiples of a step apart: 0 for 5, 1 for 0.5, 3 for 0.025. */
function decimals(step: number): number {
  for (let digits = 0; digits < 8; digits++) {
    const scaled = step * 10 ** digits;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return digits;
  }
  return 8;
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const mantissa = [1, 2, 2.5, 5, 10].find((m) => m * power >= rough * (1 - 1e-9)) ?? 10;
  return Number((mantissa * power).toPrecision(12));
}
