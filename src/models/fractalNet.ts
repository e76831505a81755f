import { maxPool2d } from '../graph/functions.ts';
import { convBnRelu } from '../nn/blocks.ts';
import { plainHead } from '../nn/heads.ts';
import { xavierUniform } from '../nn/layers.ts';
import { noStem } from '../nn/stems.ts';
import type { Fn } from '../roles.ts';
import { fractal, fractalTransition } from '../schemes/fractal.ts';
import type { Architecture, Variants } from './variants.ts';

/** Sizes of a FractalNet. */
export interface FractalNetSpec {
  readonly net: 'fractal';
  readonly set: 'cifar';
  /** Columns C; the net has 2^(C-1) convolutions per block in its deepest. */
  readonly columns: number;
  /** Channels of each block; the image is halved as often. */
  readonly widths: readonly number[];
}

/**
 * A FractalNet: every stage is one fractal block whose columns end in a max-pool 2x2 before the last join.
 * Units conv3x3 - dropout - norm - relu, dropout 0, 0.1, 0.2, … by block, weights by Xavier's law. Drop-path
 * 0.15, every other mini-batch (at random) global. As released in Caffe the convolutions have a bias and the
 * norms no scale and shift; `affine` is the usual other way round.
 *
 * Deviations: the linear layer starts as PyTorch's; the release trains columns alone in a pass of their own,
 * not by global steps.
 *
 * @see Larsson, Maire, Shakhnarovich, "FractalNet", 2017; gustavla/fractalnet, generation/fractalnet.py.
 */
export function fractalNet({ columns, widths }: FractalNetSpec, variants: Variants = {}): Architecture {
  const { affine = false, dropPath = 0.15 } = variants;
  const last: Fn = (u) => maxPool2d(u, { kernel: 2 });
  const options = { columns, dropPath: { drop: dropPath, global: 0.5 } };
  const unit = { bias: !affine, norm: { affine }, init: xavierUniform };
  return {
    stem: noStem,
    stages: widths.map((width, i) => ({
      width,
      steps: 1,
      stride: 2,
      block: convBnRelu({ ...unit, dropout: i / 10 }),
    })),
    block: convBnRelu(unit),
    scheme: fractal(options),
    transition: fractalTransition({ ...options, last }),
    head: plainHead,
  };
}
