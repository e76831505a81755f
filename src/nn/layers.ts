/** Layers: `(scope, sizes) => Fn`. Each makes its parameters once; applying the Fn twice shares them. */
import * as op from '../graph/functions.ts';
import { constant, heNormal, uniform } from '../graph/inits.ts';
import type { Node, Param } from '../graph/node.ts';
import * as random from '../graph/random.ts';
import type { Scope } from '../graph/scope.ts';
import type { InitSpec } from '../graph/spec.ts';
import type { Fn } from '../roles.ts';

/** Sizes of a convolution, and how its weight starts. */
export interface ConvSizes {
  readonly in: number;
  readonly out: number;
  /** Square, or [h, w]. */
  readonly kernel: op.Size;
  /** Default 1. */
  readonly stride?: number;
  /** Default: half the kernel, so that stride 1 keeps the size of odd kernels. */
  readonly padding?: op.Size;
  /** Default 1. */
  readonly groups?: number;
  /** Default false; a bias starts at 0. */
  readonly bias?: boolean;
  /** Law of the weight, from its shape; default `heNormal`. */
  readonly init?: (shape: readonly number[]) => InitSpec;
}

/**
 * Convolution, by default without bias and weight ~ N(0, 2 / (kh·kw·out)). [N, in, H, W] -> [N, out, H', W'].
 * Parameters: `weight` (out, in / groups, kh, kw), `bias` [out] if asked for.
 *
 * @throws ERR_SHAPE when sizes do not fit.
 * @see 2prime/LM-ResNet, MResNet.py, and torchvision: all convolutions bias-free, He initialisation by
 *   fan-out.
 * @example
 * const f = conv(s.at('conv1'), { in: 16, out: 32, kernel: 3, stride: 2 });
 */
export function conv(s: Scope, sizes: ConvSizes): Fn {
  const { kernel, stride = 1, groups = 1, init = heNormal } = sizes;
  const [kh, kw] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
  const { padding = [Math.floor(kh / 2), Math.floor(kw / 2)] } = sizes;
  const shape = [sizes.out, sizes.in / groups, kh, kw];
  const weight = s.param('weight', shape, init(shape), { kind: 'weight' });
  const bias =
    sizes.bias === true ? { bias: s.param('bias', [sizes.out], constant(0), { kind: 'bias' }) } : {};
  return (u) => s.within(() => op.conv2d(u, weight, { ...bias, stride, padding, groups }));
}

/**
 * Glorot's law as Caffe has it: U(-b, b) with b = sqrt(3 / (in / groups · kh · kw)).
 *
 * @see gustavla/fractalnet, generation/globals.crox: weight_filler "xavier".
 */
export function xavierUniform([, ...sizes]: readonly number[]): InitSpec {
  const bound = Math.sqrt(3 / sizes.reduce((product, size) => product * size, 1));
  return uniform(-bound, bound);
}

/** Constants of a batch norm. */
export interface NormOptions {
  /** Added to the variance, > 0; default 1e-5. */
  readonly eps?: number;
  /** Share of the new batch in the running statistics; default 0.1. */
  readonly momentum?: number;
  /** Learned scale and shift; default true. */
  readonly affine?: boolean;
}

/**
 * Batch norm with learned scale and shift. [N, C, H, W] -> [N, C, H, W]. Parameters: `weight` = 1, `bias` =
 * 0, [C]; buffers: `running_mean` = 0, `running_var` = 1 (PyTorch's names).
 *
 * @throws ERR_SHAPE when the input has other than C channels.
 */
export function norm(s: Scope, channels: number, { affine = true, ...options }: NormOptions = {}): Fn {
  const part = (name: string, value: number): Param =>
    s.param(name, [channels], constant(value), { kind: 'norm' });
  const map = affine ? { weight: part('weight', 1), bias: part('bias', 0) } : undefined;
  const runningMean = s.buffer('running_mean', [channels], 0);
  const runningVar = s.buffer('running_var', [channels], 1);
  return (u) =>
    s.within(() => op.batchNormApply(u, op.batchNormStats(u, { ...options, runningMean, runningVar }), map));
}

/** max(u, 0), named after its place. */
export function relu(s: Scope): Fn {
  return (u) => s.within(() => op.relu(u));
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
  return (u) => s.within(() => op.linear(u, weight, bias));
}

/** conv - batch norm - relu. Parameters: conv, bn. [N, in, H, W] -> [N, out, H', W']. */
export function convNormRelu(s: Scope, sizes: ConvSizes, options: NormOptions = {}): Fn {
  return chain(conv(s.at('conv'), sizes), norm(s.at('bn'), sizes.out, options), relu(s.at('relu')));
}

/** Dropout of elements with probability p in training, named after its place; p = 0: the identity. */
export function dropout(s: Scope, p: number): Fn {
  return p === 0 ? (u) => u : (u) => s.within(() => random.dropout(u, p));
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
