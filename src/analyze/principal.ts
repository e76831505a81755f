/** Principal components: the plane in which a cloud of points is widest. */
import { must } from '../must.ts';

/** Points in the plane of the two widest directions, and the parts of the variance that these hold. */
export interface Plane {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly explained: readonly [first: number, second: number];
}

/**
 * Projects points on their first two principal components, found by power iteration from a fixed start. The
 * sign of an axis is chosen so that the last point lies on its positive side.
 *
 * @example
 * principalPlane([[0, 0, 1], [1, 0, 1], [2, 0, 1]]).explained; // [1, 0]
 */
export function principalPlane(points: readonly (readonly number[])[]): Plane {
  const size = points[0]?.length ?? 0;
  const mean = Array.from({ length: size }, (_, i) => total(points.map((p) => must(p[i]))) / points.length);
  const centred = points.map((p) => p.map((x, i) => x - must(mean[i])));
  const variance = total(centred.map((p) => dot(p, p)));
  const first = direction(centred, []);
  const second = direction(centred, [first]);
  const part = (axis: readonly number[]): number =>
    variance === 0 ? 0 : total(centred.map((p) => dot(p, axis) ** 2)) / variance;
  const sign = (axis: readonly number[]): number => (dot(centred.at(-1) ?? [], axis) < 0 ? -1 : 1);
  const [sx, sy] = [sign(first), sign(second)];
  return {
    points: centred.map((p) => [sx * dot(p, first), sy * dot(p, second)] as const),
    explained: [part(first), part(second)],
  };
}

/** The widest direction orthogonal to those known; zeros where none is left. */
function direction(points: readonly (readonly number[])[], known: readonly (readonly number[])[]): number[] {
  const size = points[0]?.length ?? 0;
  let axis = unit(
    without(
      Array.from({ length: size }, (_, i) => Math.cos(1 + 2.4 * i)),
      known,
    ),
  );
  for (let round = 0; round < 300; round++) {
    const next = Array.from({ length: size }, () => 0);
    for (const p of points) {
      const along = dot(p, axis);
      for (let i = 0; i < size; i++) next[i] = must(next[i]) + along * must(p[i]);
    }
    const better = unit(without(next, known));
    const turned = 1 - Math.abs(dot(better, axis));
    axis = better;
    if (turned < 1e-13) break;
  }
  return axis;
}

function without(v: readonly number[], known: readonly (readonly number[])[]): number[] {
  return known.reduce<number[]>(
    (rest, axis) => {
      const along = dot(rest, axis);
      return rest.map((x, i) => x - along * must(axis[i]));
    },
    [...v],
  );
}

function unit(v: readonly number[]): number[] {
  const size = Math.sqrt(dot(v, v));
  return v.map((x) => (size > 1e-150 ? x / size : 0));
}

function dot(a: readonly number[], b: readonly number[]): number {
  let out = 0;
  for (let i = 0; i < a.length; i++) out += must(a[i]) * must(b[i]);
  return out;
}

function total(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
