/** Level lines on a grid: marching squares. */
import { must } from '../must.ts';
import type { Window } from './stability.ts';

/** A closed or open line. */
export type Line = readonly (readonly [x: number, y: number])[];

type Point = readonly [x: number, y: number];

/**
 * Lines on which a function that is symmetric about the real axis is 0, inside a rectangle; it is negative on
 * one side.
 *
 * @param cells of the grid in the longer direction, default 160.
 */
export function levelLines(of: (x: number, y: number) => number, window: Window, cells = 160): Line[] {
  const { left, right, top } = window;
  const size = Math.max(right - left, 2 * top) / cells;
  const columns = Math.ceil((right - left) / size);
  const rows = 2 * Math.ceil(top / size);
  const low = (-rows / 2) * size;
  const values = grid(of, { left, low, size, columns, rows });
  const at = (i: number, j: number): number => must(must(values[j])[i]);
  const pieces: [Point, Point][] = [];
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < columns; i++) {
      const corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
      for (const [a, b] of crossings(corners))
        pieces.push([
          [left + (i + a[0]) * size, low + (j + a[1]) * size],
          [left + (i + b[0]) * size, low + (j + b[1]) * size],
        ]);
    }
  return joined(pieces, size);
}

interface Grid {
  readonly left: number;
  readonly low: number;
  readonly size: number;
  readonly columns: number;
  readonly rows: number;
}

/** Values at the corners; the upper half mirrors the lower. */
function grid(of: (x: number, y: number) => number, { left, low, size, columns, rows }: Grid): number[][] {
  const half = Array.from({ length: rows / 2 + 1 }, (_, j) =>
    Array.from({ length: columns + 1 }, (_, i) => of(left + i * size, low + j * size)),
  );
  return [...half, ...half.slice(0, -1).toReversed()];
}

/** Where the level crosses one cell: pieces between its sides, in units of the cell. */
function crossings(corners: readonly number[]): [Point, Point][] {
  const places: readonly Point[] = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ];
  const found: Point[] = [];
  for (const [k, from] of places.entries()) {
    const to = must(places[(k + 1) % 4]);
    const [a, b] = [must(corners[k]), must(corners[(k + 1) % 4])];
    if (a <= 0 === b <= 0) continue;
    const t = a / (a - b);
    found.push([from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])]);
  }
  const [p, q, r, s] = found;
  if (p === undefined || q === undefined) return [];
  return r === undefined || s === undefined
    ? [[p, q]]
    : [
        [p, q],
        [r, s],
      ];
}

/** Pieces put together end to end. */
function joined(pieces: readonly (readonly [Point, Point])[], size: number): Line[] {
  const key = ([x, y]: Point): string => `${Math.round((x / size) * 1e4)} ${Math.round((y / size) * 1e4)}`;
  const ends = new Map<string, Set<number>>();
  for (const [i, piece] of pieces.entries())
    for (const end of piece) ends.set(key(end), (ends.get(key(end)) ?? new Set()).add(i));
  const left = new Set(pieces.keys());
  const take = (from: Point): Point | undefined => {
    const i = [...must(ends.get(key(from)))].find((k) => left.has(k));
    if (i === undefined) return undefined;
    const piece = must(pieces[i]);
    left.delete(i);
    return key(piece[0]) === key(from) ? piece[1] : piece[0];
  };
  const lines: Line[] = [];
  for (const [i, [a, b]] of pieces.entries()) {
    if (!left.delete(i)) continue;
    const line: Point[] = [a, b];
    for (let next = take(b); next !== undefined; next = take(next)) line.push(next);
    for (let next = take(a); next !== undefined; next = take(next)) line.unshift(next);
    lines.push(line);
  }
  return lines;
}
