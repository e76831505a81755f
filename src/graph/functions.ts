/** The primitive operations as functions on nodes: what layers, schemes and noise are written with. */
import { expected } from '../errors.ts';
import type { Buffer, Coef, Node, Param } from './node.ts';
import { emit } from './tracing.ts';

/** A size in pixels: one number for both directions, or [h, w]. */
export type Size = number | readonly [h: number, w: number];

/** Options of `conv2d`. */
export interface ConvOptions {
  /** [out]; default: none. */
  readonly bias?: Param;
  /** Default 1. */
  readonly stride?: Size;
  /** Zeros around the maps, default 0. */
  readonly padding?: Size;
  /** Default 1. */
  readonly groups?: number;
}

/**
 * Convolution (cross-correlation, as everywhere in this field).
 * [N, C, H, W], weight (out, C / groups, kh, kw) -> [N, out, H', W'], H' = floor((H + 2p - kh) / s) + 1.
 *
 * @throws ERR_SHAPE when weight, bias or groups do not fit.
 */
export function conv2d(u: Node, weight: Param, options: ConvOptions = {}): Node {
  const { bias, stride = 1, padding = 0, groups = 1 } = options;
  return emit(u.trace, 'conv2d', {
    inputs: [u],
    params: bias === undefined ? [weight] : [weight, bias],
    attrs: { stride: both(stride), padding: both(padding), groups },
  });
}

/** Running statistics and constants of a batch norm. */
export interface StatsOptions {
  /** [C] each. */
  readonly runningMean: Buffer;
  readonly runningVar: Buffer;
  /** Added to the variance, > 0; default 1e-5. */
  readonly eps?: number;
  /** Share of the new batch in the running statistics, in [0, 1]; default 0.1. */
  readonly momentum?: number;
}

/**
 * Mean and variance per channel: of the batch in training (moving the running ones), the running ones in
 * evaluation. [N, C, H, W] -> [2, C]; only `batchNormApply` reads the result.
 *
 * @throws ERR_SHAPE when the buffers are not [C].
 */
export function batchNormStats(u: Node, options: StatsOptions): Node {
  const { runningMean, runningVar, eps = 1e-5, momentum = 0.1 } = options;
  return emit(u.trace, 'batchNormStats', {
    inputs: [u],
    buffers: [runningMean, runningVar],
    attrs: { eps, momentum },
  });
}

/**
 * (u - mean) / sqrt(var + eps) · weight + bias, per channel. [N, C, H, W], statistics [2, C] -> [N, C, H, W].
 *
 * @param affine weight and bias, [C] each; none: no affine map.
 * @throws ERR_SHAPE when they do not fit; ERR_GRAPH when `stats` is not from `batchNormStats`.
 */
export function batchNormApply(u: Node, stats: Node, affine?: { weight: Param; bias: Param }): Node {
  const params = affine === undefined ? [] : [affine.weight, affine.bias];
  return emit(u.trace, 'batchNormApply', { inputs: [u, stats], params });
}

/** max(u, 0), elementwise. */
export function relu(u: Node): Node {
  return emit(u.trace, 'relu', { inputs: [u] });
}

/**
 * Linear combination c_0 u_0 + c_1 u_1 + …, summed from left to right.
 * Terms have one shape; a coefficient is a number, or learned with shape [1] or [C, 1, 1].
 *
 * @throws ERR_SHAPE when terms or coefficients do not fit; ERR_CONFIG for no term or a number that is not
 *   finite.
 * @example
 * lin([minus(1, k), u], [k, prev], [1, f(u)]); // (1 - k) u + k u_{n-1} + f(u)
 */
export function lin(...terms: readonly (readonly [Coef, Node])[]): Node {
  const first = terms[0];
  if (first === undefined)
    throw expected('ERR_CONFIG', 'at least one term [coefficient, node]', 'lin', terms);
  const wrong = terms.find(([coef]) => typeof coef === 'number' && !Number.isFinite(coef));
  if (wrong !== undefined) throw expected('ERR_CONFIG', 'a finite coefficient', 'lin', wrong[0]);
  const [, u] = first;
  return emit(u.trace, 'lin', { inputs: terms.map(([, v]) => v), coefs: terms.map(([coef]) => coef) });
}

/** Window of a pooling: `stride` defaults to the kernel, `padding` to 0 (at most half the kernel). */
export interface PoolOptions {
  readonly kernel: Size;
  readonly stride?: Size;
  readonly padding?: Size;
}

/**
 * Mean over windows, always divided by the full kernel, padding included. [N, C, H, W] -> [N, C, H', W'],
 * floor mode.
 *
 * @throws ERR_SHAPE when the window does not fit.
 */
export function avgPool2d(u: Node, options: PoolOptions): Node {
  return emit(u.trace, 'avgPool2d', { inputs: [u], attrs: poolAttrs(options) });
}

/**
 * Maximum over windows; padding never wins. [N, C, H, W] -> [N, C, H', W'], floor mode.
 *
 * @throws ERR_SHAPE when the window does not fit.
 */
export function maxPool2d(u: Node, options: PoolOptions): Node {
  return emit(u.trace, 'maxPool2d', { inputs: [u], attrs: poolAttrs(options) });
}

/** Mean over all pixels. [N, C, H, W] -> [N, C]. */
export function globalAvgPool(u: Node): Node {
  return emit(u.trace, 'globalAvgPool', { inputs: [u] });
}

/**
 * u Wᵀ + b. [N, in], weight (out, in), bias [out] -> [N, out].
 *
 * @throws ERR_SHAPE when they do not fit.
 */
export function linear(u: Node, weight: Param, bias?: Param): Node {
  return emit(u.trace, 'linear', { inputs: [u], params: bias === undefined ? [weight] : [weight, bias] });
}

/**
 * Channels of all, in order. Maps that differ in channels only.
 *
 * @throws ERR_SHAPE when they differ in more; ERR_CONFIG for none.
 */
export function concat(...parts: readonly Node[]): Node {
  const first = parts[0];
  if (first === undefined) throw expected('ERR_CONFIG', 'at least one tensor', 'concat', parts);
  return emit(first.trace, 'concat', { inputs: parts });
}

/**
 * Channels [start, end) of u.
 *
 * @throws ERR_SHAPE when u has fewer.
 */
export function slice(u: Node, start: number, end: number): Node {
  return emit(u.trace, 'slice', { inputs: [u], attrs: { start, end } });
}

/** u with channels of zeros before and after its own (option-A shortcuts). */
export function padChannels(u: Node, before: number, after: number): Node {
  return emit(u.trace, 'padChannels', { inputs: [u], attrs: { before, after } });
}

function poolAttrs({ kernel, stride = kernel, padding = 0 }: PoolOptions): Record<string, readonly number[]> {
  return { kernel: both(kernel), stride: both(stride), padding: both(padding) };
}

function both(size: Size): readonly [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}

/**
 * Maps moved by whole pixels: what was at [i, j] is at [i + h, j + w], zeros come in where nothing was. [N,
 * C, H, W] -> the same.
 *
 * @throws ERR_SHAPE when the shift is as large as the maps.
 */
export function shift(u: Node, by: readonly [h: number, w: number]): Node {
  return emit(u.trace, 'shift', { inputs: [u], attrs: { by } });
}
