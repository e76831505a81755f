/** The Inception-ResNet parts of PolyNet: its functions A, B and C, its reductions and its stem. */
import { expected } from '../errors.ts';
import { concat, maxPool2d, type Size } from '../graph/functions.ts';
import type { Node } from '../graph/node.ts';
import type { Scope } from '../graph/scope.ts';
import { must } from '../must.ts';
import type { Block, Fn, Transition } from '../roles.ts';
import { chain, conv, convNormRelu, norm, relu } from './layers.ts';
import type { Stem } from './stems.ts';

/** One convolution of a path; the padding that keeps the size unless it says another. */
interface Cell {
  readonly kernel: Size;
  readonly out: number;
  readonly stride?: number;
  readonly padding?: Size;
}

type Path = readonly Cell[];

/** How much narrower or wider than published all paths are. */
export interface WidthOptions {
  /** Factor of all channels; default 1. */
  readonly factor?: number;
}

const cell = (kernel: Size, out: number): Cell => ({ kernel, out });
const valid = (kernel: number, out: number, stride = 1): Cell => ({ kernel, out, stride, padding: 0 });

const functions: Readonly<Record<'A' | 'B' | 'C', readonly Path[]>> = {
  A: [[cell(1, 32), cell(3, 48), cell(3, 64)], [cell(1, 32), cell(3, 32)], [cell(1, 32)]],
  B: [[cell(1, 128), cell([1, 7], 160), cell([7, 1], 192)], [cell(1, 192)]],
  C: [[cell(1, 192), cell([1, 3], 224), cell([3, 1], 256)], [cell(1, 192)]],
};

const reductions: Readonly<Record<'A' | 'B', readonly Path[]>> = {
  A: [[cell(1, 256), cell(3, 256), valid(3, 384, 2)], [valid(3, 384, 2)]],
  B: [
    [cell(1, 256), cell(3, 256), valid(3, 256, 2)],
    [cell(1, 256), valid(3, 256, 2)],
    [cell(1, 256), valid(3, 384, 2)],
  ],
};

const stemPaths: Readonly<Record<'entry' | 'first' | 'short' | 'long' | 'last', Path>> = {
  entry: [valid(3, 32, 2), valid(3, 32), cell(3, 64)],
  first: [valid(3, 96, 2)],
  short: [cell(1, 64), valid(3, 96)],
  long: [cell(1, 64), cell([7, 1], 64), cell([1, 7], 64), valid(3, 96)],
  last: [valid(3, 192, 2)],
};

/**
 * Inception-ResNet function of PolyNet: paths of conv - bn - relu side by side, concat, conv1x1 - bn. [N, C,
 * H, W] -> same shape; published C: A 384, B 1152, C 2048. Parameters: path0.conv0, path0.bn0.use0, …,
 * conv.use0, bn.use0.
 *
 * Applied again (F², F³ of a poly module) it shares the convolutions of its paths; their norms, and the
 * closing convolution with its norm, are new; and it reads relu(F(u)), not F(u).
 *
 * @throws ERR_CONFIG for a stride or another width than its input's.
 * @see Zhang et al., "PolyNet", 2017; Cadene/pretrained-models.pytorch, polynet.py, whose sharing this is.
 */
export function inception(kind: 'A' | 'B' | 'C', { factor = 1 }: WidthOptions = {}): Block {
  return (s, io) => {
    if (io.stride !== 1 || io.in !== io.out)
      throw expected('ERR_CONFIG', 'stride 1 and one width', `${s.path} (inception${kind})`, io);
    const towers = functions[kind].map((path, i) =>
      sharedTower(s.at(`path${i}`), io.in, scaled(path, factor)),
    );
    let uses = 0;
    return (u) => {
      const use = `use${uses++}`;
      const v = use === 'use0' ? u : relu(s.at('relu').at(use))(u);
      const joined = s.at('concat').within(() => concat(...towers.map((tower) => tower(v, use))));
      const sizes = { in: joined.channels, out: io.out, kernel: 1 };
      return chain(conv(s.at('conv').at(use), sizes), norm(s.at('bn').at(use), io.out))(joined);
    };
  };
}

/** A path whose convolutions all applications share, with norms of each application's own. */
function sharedTower(s: Scope, channels: number, path: Path): (u: Node, use: string) => Node {
  const layers = path.map((sizes, i) => ({
    conv: conv(s.at(`conv${i}`), { in: i === 0 ? channels : outOf(path, i - 1), ...sizes }),
    normRelu: (use: string): Fn =>
      chain(norm(s.at(`bn${i}`).at(use), sizes.out), relu(s.at(`relu${i}`).at(use))),
  }));
  return (u, use) => layers.reduce((v, layer) => layer.normRelu(use)(layer.conv(v)), u);
}

/**
 * PolyNet's step between stages, no residual function: paths of conv - bn - relu and a max-pool 3x3, all of
 * stride 2, concatenated. [N, C, H, W] -> [N, C', floor((H - 3) / 2) + 1, …]; published: A 384 -> 1152, B
 * 1152 -> 2048. Parameters: path0.layer0.conv, ….
 *
 * @throws ERR_CONFIG when the paths do not make the new stage's width.
 * @see Cadene/pretrained-models.pytorch, polynet.py, ReductionA and ReductionB.
 */
export function reduction(kind: 'A' | 'B', { factor = 1 }: WidthOptions = {}): Transition {
  return ([u], _field, io, { s }) => {
    const parts = reductions[kind].map((path, i) => tower(s.at(`path${i}`), io.in, scaled(path, factor))(u));
    const joined = s.at('concat').within(() => concat(...parts, halved(s.at('pool'))(u)));
    if (joined.channels === io.out) return [joined];
    throw expected('ERR_CONFIG', `the width ${joined.channels} after reduction ${kind}`, s.path, io.out);
  };
}

/**
 * PolyNet's stem: three convolutions, then twice a max-pool beside a convolution of stride 2, with two towers
 * in between; no padding but in convolutions that keep the size. [N, channels, 331, 331] -> [N, 384, 39, 39].
 *
 * @see Cadene/pretrained-models.pytorch, polynet.py, Stem.
 */
export function polynetStem({ factor = 1 }: WidthOptions = {}): Stem {
  return (s, channels) => {
    const make = (name: keyof typeof stemPaths, u: Node): Node =>
      tower(s.at(name), u.channels, scaled(stemPaths[name], factor))(u);
    const joined = (name: string, ...parts: readonly Node[]): Node =>
      s.at(name).within(() => concat(...parts));
    return (x) => {
      const entry = tower(s.at('entry'), channels, scaled(stemPaths.entry, factor))(x);
      const first = joined('concat0', halved(s.at('pool0'))(entry), make('first', entry));
      const towers = joined('concat1', make('short', first), make('long', first));
      return joined('concat2', halved(s.at('pool1'))(towers), make('last', towers));
    };
  };
}

/** A path of conv - bn - relu. */
function tower(s: Scope, channels: number, path: Path): Fn {
  const layers = path.map((sizes, i) =>
    convNormRelu(s.at(`layer${i}`), { in: i === 0 ? channels : outOf(path, i - 1), ...sizes }),
  );
  return chain(...layers);
}

function halved(s: Scope): Fn {
  return (u) => s.within(() => maxPool2d(u, { kernel: 3, stride: 2 }));
}

function scaled(path: Path, factor: number): Path {
  return path.map((sizes) => ({ ...sizes, out: sizes.out * factor }));
}

function outOf(path: Path, i: number): number {
  return must(path[i]).out;
}
