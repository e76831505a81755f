/**
 * Shortcuts: the map P of the trunk where width or resolution changes, P u + f(u). A transition says when to
 * use one.
 */
import { expected } from '../errors.ts';
import { avgPool2d, concat, type PoolOptions, padChannels, shift } from '../graph/functions.ts';
import type { Node } from '../graph/node.ts';
import type { Scope } from '../graph/scope.ts';
import type { BlockFn, Fn, IO } from '../roles.ts';
import { chain, conv, norm, relu } from './layers.ts';

/**
 * Makes P for these sizes: [N, in, H, W] -> [N, out, H/stride, W/stride]; `f` is the residual function beside
 * it.
 */
export type Shortcut = (s: Scope, io: IO, f: BlockFn) => Fn;

/**
 * P = conv1x1(relu(bn(u))), its norm its own. Parameters: bn, conv.
 *
 * @see 2prime/LM-ResNet, MResNet.py.
 */
export const ownNorm: Shortcut = (s, io) =>
  chain(norm(s.at('bn'), io.in), relu(s.at('relu')), conv(s.at('conv'), projection(io)));

/** P = conv1x1 alone; the identity where nothing changes. Parameters: conv. */
export const plainProjection: Shortcut = (s, io) => (changes(io) ? conv(s.at('conv'), projection(io)) : same);

/**
 * Option B of a post-activation net: P = bn(conv1x1(u)); the identity where nothing changes. Parameters:
 * conv, bn.
 *
 * @see He et al., "Deep residual learning", 2016; torchvision, resnet.py, `downsample`.
 */
export const normedProjection: Shortcut = (s, io) =>
  changes(io) ? chain(conv(s.at('conv'), projection(io)), norm(s.at('bn'), io.out)) : same;

/**
 * Option A: every stride-th pixel, then channels of zeros appended; no parameters.
 *
 * @throws ERR_CONFIG for fewer channels out than in.
 * @see He et al. 2016; facebook/fb.resnet.torch, models/resnet.lua.
 */
export const optionA: Shortcut = (s, io) => {
  const extra = added(s, io);
  return (u) =>
    s.within(() => {
      const v = io.stride === 1 ? u : avgPool2d(u, everyPixel(io.stride));
      return extra === 0 ? v : padChannels(v, 0, extra);
    });
};

/**
 * RevNet's for basic functions: mean of stride x stride pixels, then channels of zeros before and after; no
 * parameters.
 *
 * @throws ERR_CONFIG for fewer channels out than in, or an odd number of new ones.
 * @see renmengye/revnet-public, resnet_model.py, `_possible_downsample`.
 */
export const pooledPadding: Shortcut = (s, io) => {
  const half = added(s, io) / 2;
  if (!Number.isInteger(half))
    throw expected('ERR_CONFIG', 'an even number of new channels', s.path, io.out - io.in);
  return (u) =>
    s.within(() => {
      const v = io.stride === 1 ? u : avgPool2d(u, { kernel: io.stride });
      return half === 0 ? v : padChannels(v, half, half);
    });
};

/**
 * Shake-shake's: relu, then two paths of half the channels, each every stride-th pixel and conv1x1, the
 * second of the maps moved one pixel right and down; concat, norm. Parameters: conv0, conv1, bn.
 *
 * @throws ERR_SHAPE for an odd number of channels.
 * @see xgastaldi/shake-shake, models/shakeshakeblock.lua.
 */
export const twoPaths: Shortcut = (s, io) => {
  const [first, second] = [0, 1].map((i) =>
    conv(s.at(`conv${i}`), { in: io.in, out: io.out / 2, kernel: 1 }),
  ) as [Fn, Fn];
  const normed = norm(s.at('bn'), io.out);
  return chain(relu(s.at('relu')), (u) => {
    const parts = [first(sampled(s, u, io.stride)), second(sampled(s, moved(s, u), io.stride))];
    return normed(s.within(() => concat(...parts)));
  });
};

/** Pixels (i·stride, j·stride). */
function sampled(s: Scope, u: Node, stride: number): Node {
  return stride === 1 ? u : s.at('sampled').within(() => avgPool2d(u, everyPixel(stride)));
}

/** Maps one pixel further right and down. */
function moved(s: Scope, u: Node): Node {
  return s.at('moved').within(() => shift(u, [1, 1]));
}

/**
 * The shortcut after the first norm-relu of f, shared with it: both read one node (u itself where f has
 * none).
 *
 * @see He et al., "Identity mappings", 2016; facebook/fb.resnet.torch, models/preresnet.lua, 'both_preact'
 *   and 'no_preact'.
 */
export function preactivated(shortcut: Shortcut): Shortcut {
  return (s, io, f) => chain(f.pre ?? same, shortcut(s, io, f));
}

const same: Fn = (u) => u;

const changes = ({ in: from, out, stride }: IO): boolean => from !== out || stride !== 1;

const projection = ({
  in: from,
  out,
  stride,
}: IO): { in: number; out: number; kernel: number; stride: number } => ({ in: from, out, stride, kernel: 1 });

const everyPixel = (stride: number): PoolOptions => ({ kernel: 1, stride });

function added(s: Scope, io: IO): number {
  if (io.out >= io.in) return io.out - io.in;
  throw expected('ERR_CONFIG', `at least ${io.in} channels`, `${s.path}.out`, io.out);
}
