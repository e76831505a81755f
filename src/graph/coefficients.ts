/**
 * Coefficients of `lin`: numbers, learned parameters, and small expressions of them.
 * They are evaluated on the device once per step; numbers are folded here.
 */
import { expected, LmError, show } from '../errors.ts';
import type { Coef, Param } from './node.ts';
import type { Shape } from './spec.ts';

/**
 * a + b.
 *
 * @throws ERR_SHAPE when both are per channel with different channels.
 */
export function plus(a: Coef, b: Coef): Coef {
  if (typeof a === 'number' && typeof b === 'number') return finite(a + b, 'plus');
  if (a === 0) return b;
  if (b === 0) return a;
  return { kind: 'sum', of: [a, b], shape: joinShapes(coefShape(a), coefShape(b)) };
}

/**
 * a - b, stored as a + (-1)·b.
 *
 * @throws ERR_SHAPE as `plus`.
 * @example
 * lin([minus(1, k), u], [k, prev], [1, f(u)]); // (1 - k) u + k prev + f(u)
 */
export function minus(a: Coef, b: Coef): Coef {
  return plus(a, times(-1, b));
}

/**
 * a·b.
 *
 * @throws ERR_SHAPE as `plus`.
 */
export function times(a: Coef, b: Coef): Coef {
  if (typeof a === 'number' && typeof b === 'number') return finite(a * b, 'times');
  if (a === 1) return b;
  if (b === 1) return a;
  return { kind: 'product', of: [a, b], shape: joinShapes(coefShape(a), coefShape(b)) };
}

/**
 * 1 / a.
 *
 * @throws ERR_CONFIG for the number 0.
 */
export function reciprocal(a: Coef): Coef {
  if (typeof a === 'number') return finite(1 / a, 'reciprocal');
  return { kind: 'reciprocal', of: [a], shape: coefShape(a) };
}

/** tanh(a): keeps a learned coefficient inside (-1, 1). */
export function tanh(a: Coef): Coef {
  if (typeof a === 'number') return finite(Math.tanh(a), 'tanh');
  return { kind: 'tanh', of: [a], shape: coefShape(a) };
}

/** Shape of a coefficient: [1] for a number. */
export function coefShape(coef: Coef): Shape {
  return typeof coef === 'number' ? [1] : coef.shape;
}

/** Parameters that a coefficient reads, in order of appearance, each once. */
export function coefParams(coef: Coef): Param[] {
  const seen = new Set<Coef>();
  const found: Param[] = [];
  for (const pending = [coef]; pending.length > 0; ) {
    const part = pending.pop() ?? 0;
    if (typeof part === 'number' || seen.has(part)) continue;
    seen.add(part);
    if ('of' in part) pending.push(...part.of.toReversed());
    else found.push(part);
  }
  return found;
}

/**
 * Shape of a sum or product of two coefficients.
 *
 * @throws ERR_SHAPE when neither is [1] and they differ.
 */
export function joinShapes(a: Shape, b: Shape): Shape {
  if (a.length === 1 && a[0] === 1) return b;
  if (b.length === 1 && b[0] === 1) return a;
  if (a.length === b.length && a.every((size, i) => size === b[i])) return a;
  throw new LmError(
    'ERR_SHAPE',
    `Expected coefficients of one shape for \`coefficient\` but received ${show(a)} and ${show(b)}`,
  );
}

function finite(value: number, name: string): number {
  if (Number.isFinite(value)) return value;
  throw expected('ERR_CONFIG', 'a finite coefficient', name, value);
}
