/**
 * What shape rules are written with: an operation with the shapes of all it reads, and checks that name the
 * node.
 */
import { expected, LmError, show } from '../errors.ts';
import type { Attrs, Shape } from './spec.ts';

/** An operation with concrete shapes, for any batch and image size. */
export interface OpCall {
  readonly op: string;
  readonly path: string;
  /** The network's input, [N, C, H, W]. */
  readonly image: Shape;
  readonly inputs: readonly Shape[];
  /** Operations that the inputs come from. */
  readonly sources: readonly string[];
  readonly params: readonly Shape[];
  readonly buffers: readonly Shape[];
  readonly coefs: readonly Shape[];
  readonly attrs: Attrs;
}

/** Sizes that are integers and safe on the native side. */
export function isSize(value: unknown, least: number): value is number {
  return Number.isInteger(value) && Number(value) >= least && Number(value) < 2 ** 31;
}

/** True for equal shapes. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** Number of elements of a tensor. */
export function elements(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** ERR_SHAPE that names the node, what it needs and what it got. */
export function shapeError(call: OpCall, what: string, received: unknown): LmError {
  const name = call.path === '' ? call.op : `${call.path} (${call.op})`;
  const of = call.params.length > 0 ? ` (parameters ${call.params.map(show).join(', ')})` : '';
  return expected('ERR_SHAPE', `${what}${of}`, name, received);
}

/** The i-th of the shapes that arity checks have promised. */
export function nth(shapes: readonly Shape[], i: number): Shape {
  const shape = shapes[i];
  if (shape === undefined) throw new LmError('ERR_GRAPH', `Expected a tensor at place ${i} of an operation`);
  return shape;
}

/** Feature maps [N, C, H, W] at input i. */
export function maps(call: OpCall, i = 0): [n: number, c: number, h: number, w: number] {
  const shape = nth(call.inputs, i);
  const [n, c, h, w] = shape;
  if (n === undefined || c === undefined || h === undefined || w === undefined || shape.length !== 4)
    throw shapeError(call, 'feature maps [N, C, H, W]', shape);
  return [n, c, h, w];
}

/** A number among the attributes; its presence was checked with the row's `attrs`. */
export function one(call: OpCall, name: string): number {
  const value = call.attrs[name];
  if (typeof value === 'number') return value;
  throw expected('ERR_GRAPH', 'a number', `${call.op}.${name}`, value);
}

/** A pair [h, w] among the attributes. */
export function pair(call: OpCall, name: string): [h: number, w: number] {
  const value = call.attrs[name];
  const [h, w] = Array.isArray(value) ? (value as readonly number[]) : [];
  if (h === undefined || w === undefined)
    throw expected('ERR_GRAPH', 'a pair [h, w]', `${call.op}.${name}`, value);
  return [h, w];
}

/** Size after a sliding window: floor((size + 2·padding - kernel) / stride) + 1, for height and width. */
export function windows(call: OpCall, kernel: readonly [number, number]): [h: number, w: number] {
  const [, , h, w] = maps(call);
  const [sh, sw] = pair(call, 'stride');
  const [ph, pw] = pair(call, 'padding');
  const out: [number, number] = [
    Math.floor((h + 2 * ph - kernel[0]) / sh) + 1,
    Math.floor((w + 2 * pw - kernel[1]) / sw) + 1,
  ];
  if (out[0] < 1 || out[1] < 1)
    throw shapeError(call, `maps that hold the window ${show(kernel)} with padding ${show([ph, pw])}`, [
      h,
      w,
    ]);
  return out;
}
