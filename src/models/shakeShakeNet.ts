import { reluBasic } from '../nn/blocks.ts';
import { plainHead } from '../nn/heads.ts';
import { twoPaths } from '../nn/shortcuts.ts';
import { cifarStem } from '../nn/stems.ts';
import { restarted } from '../nn/transitions.ts';
import { shakeShake } from '../noise/shakeShake.ts';
import { euler } from '../schemes/euler.ts';
import type { Architecture } from './variants.ts';

/** Sizes of a shake-shake net. */
export interface ShakeShakeSpec {
  readonly net: 'shakeShake';
  readonly set: 'cifar';
  /** Channels of stage 1, doubled by every stage. */
  readonly base: number;
  /** Steps of each of three stages. */
  readonly steps: number;
}

/**
 * A shake-shake net of depth 6n + 2 with two branches: forward and backward weights drawn per image.
 * Stem conv3x3 to 16 channels and norm, no relu; relu before the pool of the head.
 *
 * Deviation: the linear layer's bias starts as PyTorch's, not at 0.
 *
 * @see Gastaldi, "Shake-Shake regularization", 2017; xgastaldi/shake-shake, models/shakeshake.lua.
 */
export function shakeShakeNet({ base, steps }: ShakeShakeSpec): Architecture {
  return {
    stem: cifarStem(16, { norm: true }),
    stages: [1, 2, 4].map((factor, i) => ({ width: base * factor, steps, stride: i === 0 ? 1 : 2 })),
    block: reluBasic,
    scheme: euler,
    noise: shakeShake({ backward: 'uniform', per: 'sample' }),
    transition: restarted(twoPaths),
    head: (classes) => plainHead(classes, { relu: true }),
  };
}
