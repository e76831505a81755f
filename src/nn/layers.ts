/** Layers: `(scope, sizes) => Fn`. Each makes its parameters once; applying the Fn twice shares them. */
import {
  batchNormApply,
  batchNormStats,
  conv2d,
  linear as multiply,
  relu as rectify,
} from '../graph/functions.ts';
import { constant, heNormal, uniform } from '../graph/inits.ts';
import type { Node } from '../graph/node.ts';
import type { Scope } from '../graph/scope.ts';
import type { Fn } from '../roles.ts';

/** Sizes of a square convolution. */
export interface ConvSizes {
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default: half the kernel, so that stride 1 keeps the size of odd kernels. */
  readonly padding?: number;
  /** Default 1. */
  readonly groups?: number;
}

/**
 * Convolution without bias, weight ~ N(0, 2 / (k·k·out)). [N, in, H, W] -> [N, out, H', W'].
 * Parameters: `weight` (out, in / groups, k, k).
 *
 * @throws ERR_SHAPE when sizes do not fit.
 * @see 2prime/LM-ResNet, MResNet.py: all convolutions bias-free, He initialisation by fan-out.
 * @example
 * const f = conv(s.at('conv1'), { in: 16, out: 32, kernel: 3, stride: 2 });
 */
export function conv(s: Scope, sizes: ConvSizes): Fn {
  const { kernel, stride = 1, padding = Math.floor(kernel / 2), groups = 1 } = sizes;
  const shape = [sizes.out, sizes.in / groups, kernel, kernel];
  const weight = s.param('weight', shape, heNormal(shape), { kind: 'weight' });
  return (u) => s.within(() => conv2d(u, weight, { stride, padding, groups }));
}

/** Constants of a batch norm. */
export interface NormOptions {
  /** Added to the variance, > 0; default 1e-5. */
  readonly eps?: number;
  /** Share of the new batch in the running statistics; default 0.1. */
  readonly momentum?: number;
}

/**
 * Batch norm with learned scale and shift. [N, C, H, W] -> [N, C, H, W].
 * Parameters: `weight` = 1, `bias` = 0, [C]; buffers: `running_mean` = 0, `running_var` = 1 (PyTorch's names).
 *
 * @throws ERR_SHAPE when the input has other than C channels.
 */
export function norm(s: Scope, channels: number, options: NormOptions = {}): Fn {
  const affine = {
    weight: s.param('weight', [channels], constant(1), { kind: 'norm' }),
    bias: s.param('bias', [channels], constant(0), { kind: 'norm' }),
  };
  const runningMean = s.buffer('running_mean', [channels], 0);
  const runningVar = s.buffer('running_var', [channels], 1);
  return (u) =>
    s.within(() => batchNormApply(u, batchNormStats(u, { ...options, runningMean, runningVar }), affine));
}

/** max(u, 0), named after its place. */
export function relu(s: Scope): Fn {
  return (u) => s.within(() => rectify(u));
}

/**
 * Linear layer with bias, both ~ U(-1/sqrt(in), 1/sqrt(in)) as in PyTorch. [N, in] -> [N, out].
 * Parameters: `weight` (out, in), `bias` [out].
 *
 * @throws ERR_SHAPE when the input has other than `in` features.
 */
export function linear(s: Scope, io: { readonly in: number; readonly out: number }): Fn {
  const bound = 1 / Math.sqrt(io.in);
  const weight = s.param('weight', [io.out, io.in], uniform(-bound, bound), { kind: 'weight' });
  const bias = s.param('bias', [io.out], uniform(-bound, bound), { kind: 'bias' });
  return (u) => s.within(() => multiply(u, weight, bias));
}

/** Applies functions from left to right. */
export function chain(...fns: readonly Fn[]): Fn {
  return (u) => fns.reduce((v, fn) => fn(v), u);
}

/** The same function, but a second application to the same node yields the first one's result. */
export function remembered(fn: Fn): Fn {
  const known = new Map<Node, Node>();
  return (u) => {
    const value = known.get(u) ?? fn(u);
    known.set(u, value);
    return value;
  };
}
