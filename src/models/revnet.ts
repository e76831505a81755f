import { must } from '../must.ts';
import { basicConvs, bottleneckConvs, preact } from '../nn/blocks.ts';
import { preactHead } from '../nn/heads.ts';
import { plainProjection, pooledPadding } from '../nn/shortcuts.ts';
import { cifarStem, imagenetStem } from '../nn/stems.ts';
import { halvesTransition } from '../nn/transitions.ts';
import { reversible } from '../schemes/reversible.ts';
import type { Architecture } from './variants.ts';

/** Sizes of a RevNet. */
export interface RevNetSpec {
  readonly net: 'revnet';
  readonly set: 'cifar' | 'imagenet';
  readonly block: 'basic' | 'bottleneck';
  readonly steps: readonly number[];
  /**
   * Channels of the stem and of each stage, both halves together; bottlenecks have four times as many
   * outside.
   */
  readonly widths: readonly number[];
}

const norm = { eps: 1e-3 };

/**
 * A RevNet: pre-activation functions on channel halves. The first f has no norm-relu of its own, since the
 * stem ends in one. Shortcuts between stages: mean pooling and channels of zeros (basic), or conv1x1
 * (bottleneck, whose first 1x1 carries the stride).
 *
 * Deviations: weights start normal, not normal cut at two deviations, and the linear layer as PyTorch's;
 * norms move their running statistics by 0.1; convolutions of stride 2 and the ImageNet stem's max-pool pad
 * on all sides (TensorFlow: behind).
 *
 * @see Gomez et al., "The reversible residual network", 2017; renmengye/revnet-public.
 */
export function revNet({ set, block, steps, widths }: RevNetSpec): Architecture {
  const [base, ...rest] = [must(widths[0]), ...widths.slice(1)];
  const expansion = block === 'basic' ? 1 : 4;
  const convs = block === 'basic' ? basicConvs : bottleneckConvs({ stride: 'conv1' });
  const stem = set === 'cifar' ? cifarStem : imagenetStem;
  return {
    stem: stem(base, { norm, relu: true }),
    stages: rest.map((width, i) => ({
      width: expansion * width,
      steps: must(steps[i]),
      stride: i === 0 ? 1 : 2,
    })),
    block: preact(convs, { norm }),
    firstBlock: preact(convs, { norm, bare: true }),
    scheme: reversible,
    transition: halvesTransition(block === 'basic' ? pooledPadding : plainProjection),
    head: (classes) => preactHead(classes, { norm }),
  };
}
