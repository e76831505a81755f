/** Tensors in plain TypeScript, float64 and row-major: what hand-written references compute with. */
import { uniform } from './graphs/formula.ts';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Where an element lies: row-major. */
function offset(shape: readonly number[], at: readonly number[]): number {
  return shape.reduce((place, size, d) => place * size + (at[d] ?? 0), 0);
}

export function get(t: Tensor, ...at: number[]): number {
  return t.data[offset(t.shape, at)] ?? Number.NaN;
}

/** A tensor whose elements are a function of their place. */
export function tensor(shape: readonly number[], value: (...at: number[]) => number): Tensor {
  const data = new Float64Array(count(shape));
  const at = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = value(...at);
    for (let d = shape.length - 1; d >= 0; d--) {
      at[d] = (at[d] ?? 0) + 1;
      if ((at[d] ?? 0) < (shape[d] ?? 0)) break;
      at[d] = 0;
    }
  }
  return { shape, data };
}

/** Numbers in [low, low + 1), the same for the same name. */
export function random(name: string, shape: readonly number[], low = -0.5): Tensor {
  return { shape, data: uniform(name, count(shape)).map((r) => low + r) };
}

/** [n, c, h, w] as the border takes images: [n, h, w, c] in a row. */
export function nhwc(t: Tensor): Float64Array {
  const [n = 0, c = 0, h = 0, w = 0] = t.shape;
  return tensor([n, h, w, c], (i, y, x, k) => get(t, i, k, y, x)).data;
}

/** Largest difference, relative to the largest magnitude of the second. */
export function distance(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let [most, scale] = [0, 0];
  for (let i = 0; i < found.length; i++) {
    const [a, b] = [found[i] ?? Number.NaN, wanted[i] ?? Number.NaN];
    const gap = Math.abs(a - b);
    if (Number.isNaN(gap)) return Number.POSITIVE_INFINITY;
    most = Math.max(most, gap);
    scale = Math.max(scale, Math.abs(b));
  }
  return most === 0 ? 0 : most / scale;
}

/** Central differences of a function of one tensor. */
export function differences(of: Tensor, f: (t: Tensor) => number): Float64Array {
  const h = 1e-5;
  const moved = (i: number, by: number): Tensor => ({
    shape: of.shape,
    data: of.data.map((value, j) => (i === j ? value + by : value)),
  });
  return of.data.map((_, i) => (f(moved(i, h)) - f(moved(i, -h))) / (2 * h));
}
