/**
 * Residual functions: which convolutions there are (`basicConvs`, `bottleneckConvs`), times where the norms
 * and relus stand (`postact`, `preact`).
 */
import { expected } from '../errors.ts';
import type { Block, BlockFn, Fn, IO } from '../roles.ts';
import { type ConvSizes, chain, conv, dropout, type NormOptions, norm, relu, remembered } from './layers.ts';

/** The convolutions of a residual function, in order; `path` names it in errors. */
export type Convs = (io: IO, path: string) => readonly ConvSizes[];

/** conv3x3 with the stride, conv3x3. */
export const basicConvs: Convs = (io) => [
  { in: io.in, out: io.out, kernel: 3, stride: io.stride },
  { in: io.out, out: io.out, kernel: 3 },
];

/** Options of `bottleneckConvs`. */
export interface BottleneckOptions {
  /** Channels out per n, where n channels inside are the plain bottleneck: n = out / expansion. Default 4. */
  readonly expansion?: number;
  /** Groups C of the 3x3 (ResNeXt's cardinality). Default 1. */
  readonly groups?: number;
  /** Channels per group where n = 64: D = floor(n·width / 64) per group, C·D inside. Default 64. */
  readonly width?: number;
  /** The convolution that carries the stride: the 3x3 ('conv2', default) or the first 1x1 ('conv1'). */
  readonly stride?: 'conv1' | 'conv2';
}

/**
 * conv1x1 to C·D channels, conv3x3 in C groups with the stride, conv1x1 to `out`.
 *
 * @throws ERR_CONFIG when `out` is not a multiple of `expansion`, or D is 0.
 * @see Xie et al., "Aggregated residual transformations", 2017, figure 3 (c); facebookresearch/ResNeXt,
 *   models/resnext.lua.
 */
export function bottleneckConvs(options: BottleneckOptions = {}): Convs {
  const { expansion = 4, groups = 1, width = 64, stride = 'conv2' } = options;
  return (io, path) => {
    const inner = groups * Math.floor((io.out / expansion) * (width / 64));
    if (!Number.isInteger(io.out / expansion) || inner < 1)
      throw expected('ERR_CONFIG', `a multiple of the expansion ${expansion}`, `${path}.out`, io.out);
    const [first, second] = stride === 'conv1' ? [io.stride, 1] : [1, io.stride];
    return [
      { in: io.in, out: inner, kernel: 1, stride: first },
      { in: inner, out: inner, kernel: 3, stride: second, groups },
      { in: inner, out: io.out, kernel: 1 },
    ];
  };
}

/** Options of `postact`. */
export interface PostactOptions {
  readonly norm?: NormOptions;
}

/**
 * Post-activation: conv1 - bn1 - relu - conv2 - bn2 …, no relu at the end (the scheme `projected` has it).
 * [N, in, H, W] -> [N, out, H/stride, W/stride]. Parameters: conv1, bn1, conv2, bn2, ….
 *
 * @see He et al., "Deep residual learning", 2016.
 */
export function postact(convs: Convs, options: PostactOptions = {}): Block {
  return (s, io) => {
    const layers = convs(io, s.path).map((sizes, i) => {
      const first = i === 0 ? [] : [relu(s.at(`relu${i}`))];
      return chain(
        ...first,
        conv(s.at(`conv${i + 1}`), sizes),
        norm(s.at(`bn${i + 1}`), sizes.out, options.norm),
      );
    });
    return chain(...layers);
  };
}

/** Options of `preact`. */
export interface PreactOptions {
  readonly norm?: NormOptions;
  /** Without bn1-relu, for a function that reads the relu of another norm; default false. */
  readonly bare?: boolean;
}

/**
 * Pre-activation: bn1 - relu - conv1 - bn2 - relu - conv2 …. `pre` is bn1-relu.
 * [N, in, H, W] -> [N, out, H/stride, W/stride]. Parameters: bn1, conv1, bn2, conv2, ….
 *
 * @see He et al., "Identity mappings in deep residual networks", 2016.
 */
export function preact(convs: Convs, { norm: constants, bare = false }: PreactOptions = {}): Block {
  return (s, io) => {
    const layers = convs(io, s.path).map((sizes, i) => ({
      pre: () => chain(norm(s.at(`bn${i + 1}`), sizes.in, constants), relu(s.at(`relu${i + 1}`))),
      conv: conv(s.at(`conv${i + 1}`), sizes),
    }));
    const [first, ...others] = layers;
    const rest = others.flatMap((layer) => [layer.pre(), layer.conv]);
    const fns = first === undefined ? rest : [first.conv, ...rest];
    return bare || first === undefined ? chain(...fns) : withPre(first.pre(), chain(...fns));
  };
}

/** A block whose first part a shortcut may share: both see one node, so its statistics move once. */
function withPre(first: Fn, rest: Fn): BlockFn {
  const pre = remembered(first);
  return Object.assign(chain(pre, rest), { pre });
}

/** Basic function of ResNet: bn2(conv3x3(relu(bn1(conv3x3(u))))), stride on conv1. As `postact`. */
export const basic: Block = postact(basicConvs);

/**
 * Bottleneck of ResNet and ResNeXt: conv1x1 - conv3x3 - conv1x1, each with its norm. As
 * `postact` and `bottleneckConvs`.
 */
export function bottleneck(options: BottleneckOptions & PostactOptions = {}): Block {
  return postact(bottleneckConvs(options), options);
}

/**
 * Pre-activation basic function: f(u) = conv3x3(relu(bn2(conv3x3(relu(bn1(u)))))), stride on conv1. As
 * `preact`.
 *
 * @see He et al. 2016; 2prime/LM-ResNet, MResNet.py, BasicBlock.
 */
export const preactBasic: Block = preact(basicConvs);

/**
 * Pre-activation bottleneck: f(u) = conv1x1(relu(bn3(conv3x3(relu(bn2(conv1x1(relu(bn1(u)))))))). As
 * `preact` and `bottleneckConvs`.
 *
 * @see He et al. 2016, which puts the stride on the first 1x1; the default place is that of 2prime/LM-ResNet
 *   and fb.resnet.torch.
 */
export function preactBottleneck(options: BottleneckOptions & PreactOptions = {}): Block {
  return preact(bottleneckConvs(options), options);
}

/**
 * One branch of shake-shake: relu - conv3x3 - bn1 - relu - conv3x3 - bn2. Parameters: conv1, bn1, conv2, bn2.
 *
 * @see xgastaldi/shake-shake, models/shakeshakeblock.lua.
 */
export const reluBasic: Block = (s, io) => chain(relu(s.at('relu0')), basic(s, io));

/** Options of `convBnRelu`. */
export interface ConvBnReluOptions {
  /** Default 3. */
  readonly kernel?: number;
  /** Dropout between convolution and norm, in [0, 1); default 0. */
  readonly dropout?: number;
  /** Bias of the convolution; default false. */
  readonly bias?: boolean;
  readonly norm?: NormOptions;
  /** Law of the weight; default `heNormal`. */
  readonly init?: NonNullable<ConvSizes['init']>;
}

/**
 * conv - dropout - batch norm - relu: FractalNet's unit. [N, in, H, W] -> [N, out, H/stride, W/stride].
 * Parameters: conv, bn.
 *
 * @see gustavla/fractalnet, generation/globals.crox.
 */
export function convBnRelu(options: ConvBnReluOptions = {}): Block {
  const { kernel = 3, dropout: p = 0, bias = false, norm: constants, init } = options;
  return (s, io) =>
    chain(
      conv(s.at('conv'), { ...io, kernel, bias, ...(init && { init }) }),
      dropout(s.at('dropout'), p),
      norm(s.at('bn'), io.out, constants),
      relu(s.at('relu')),
    );
}
