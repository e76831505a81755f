import { expected } from '../errors.ts';
import { relu } from '../graph/functions.ts';
import { basicConvs, bottleneckConvs, type Convs, postact, preact } from '../nn/blocks.ts';
import { plainHead, preactHead } from '../nn/heads.ts';
import { normedProjection, optionA, ownNorm, plainProjection, preactivated } from '../nn/shortcuts.ts';
import { cifarStem, imagenetStem } from '../nn/stems.ts';
import { projectedHistory, restarted } from '../nn/transitions.ts';
import { stochasticDepth } from '../noise/stochasticDepth.ts';
import type { Noise, Scheme } from '../roles.ts';
import { euler } from '../schemes/euler.ts';
import { linearTwoStep } from '../schemes/linearTwoStep.ts';
import { projected } from '../schemes/projected.ts';
import type { StageConfig } from './network.ts';
import { schemeOf, schemeSchema } from './schemeOption.ts';
import type { Architecture, Variants } from './variants.ts';

/**
 * Sizes of a ResNet or ResNeXt: post-activation ('resnet'), pre-activation ('preact'), or that with the
 * two-step scheme ('lm').
 */
export interface ResidualSpec {
  readonly net: 'resnet' | 'preact' | 'lm';
  readonly set: 'cifar' | 'imagenet';
  readonly block: 'basic' | 'bottleneck';
  /** Steps per stage; one number: of each of three stages. */
  readonly steps: number | readonly number[];
  /**
   * Channels of the stem, and inside stage 1 (bottlenecks have four times as many outside); every stage
   * doubles. Default 16, ImageNet 64.
   */
  readonly base?: number;
  /** A ResNeXt's groups C and channels D per group, in its notation CxDd, see `bottleneckConvs`. */
  readonly groups?: readonly [c: number, d: number];
  /** What becomes of the history, where it is not restarted. */
  readonly history?: Variants['history'];
  /** Stochastic depth with this p_L. */
  readonly survival?: number;
}

/**
 * A ResNet or ResNeXt. Depth is 6n + 2 with n basic and 9n + 2 with n bottleneck steps in each of three
 * stages. Its usual shortcut: A for post-activation basic nets on CIFAR and B for other post-activation nets;
 * 'own' for LM nets and pre-activation nets on CIFAR, and B for pre-activation nets on ImageNet.
 *
 * Stochastic depth: an LM net drops as its released code does, the others as Huang et al. do (l / L, scaled
 * at test time), but their convolutions have no bias.
 *
 * @throws ERR_CONFIG for a variant that it has not.
 * @see He et al. 2015 and 2016, Xie et al. 2017, Huang et al. 2016, Lu et al. 2018; torchvision,
 *   fb.resnet.torch, 2prime/LM-ResNet.
 */
export function residualNet(spec: ResidualSpec, variants: Variants = {}): Architecture {
  return spec.net === 'resnet' ? postactNet(spec, variants) : preactNet(spec, variants);
}

/**
 * ResNet v1: relu after every step, and where a stage starts; a stem whose width stage 1 keeps leaves its own
 * relu to that.
 */
function postactNet(spec: ResidualSpec, variants: Variants): Architecture {
  const { set, block } = spec;
  const { shortcut = set === 'cifar' && block === 'basic' ? 'A' : 'B' } = variants;
  if (shortcut === 'own')
    throw expected('ERR_CONFIG', 'A or B in a post-activation net', 'preset.shortcut', shortcut);
  const stem = set === 'cifar' ? cifarStem : imagenetStem;
  return {
    stem: stem(baseOf(spec), { norm: true, relu: block === 'bottleneck' }),
    stages: stagesOf(spec),
    block: postact(convsOf(spec)),
    scheme: projected(chosen(variants) ?? euler, relu),
    noise: noiseOf(spec, { index: 'l/L', scale: 'test' }),
    transition: restarted(shortcut === 'A' ? optionA : normedProjection),
    head: plainHead,
  };
}

const shortcuts = { A: preactivated(optionA), B: preactivated(plainProjection), own: ownNorm };

/** Pre-activation nets, whose trunk stays linear; with shortcut A or B in the places of fb.resnet.torch. */
function preactNet(spec: ResidualSpec, variants: Variants): Architecture {
  const { net, set } = spec;
  const kept = variants.scheme === undefined ? spec.history : undefined;
  const { k = 'paper', history = kept ?? 'restart' } = variants;
  const { shortcut = net === 'lm' || set === 'cifar' ? 'own' : 'B' } = variants;
  const scheme = chosen(variants) ?? (net === 'lm' ? twoStep(k) : euler);
  if (history === 'project' && !ofStates.includes(scheme.name))
    throw expected(
      'ERR_CONFIG',
      `one of ${ofStates.join(', ')}, for a history,`,
      'preset.scheme',
      scheme.name,
    );
  const project = shortcuts[shortcut];
  const transition =
    history === 'project' ? projectedHistory(scheme, { shortcut: project }) : restarted(project);
  const [opening, ...others] = stagesOf(spec);
  const fb = shortcut !== 'own';
  const parts = { block: preact(convsOf(spec)), scheme, transition, noise: noiseOf(spec), head: preactHead };
  // fb.resnet.torch: on CIFAR the first shortcut too is after f's norm-relu; on ImageNet the first f has
  // none, since the stem ends in one.
  if (set === 'cifar')
    return {
      ...parts,
      stem: cifarStem(baseOf(spec)),
      stages: [fb ? { ...opening, transition } : opening, ...others],
    };
  const firstBlock = fb ? preact(convsOf(spec), { bare: true }) : undefined;
  return { ...parts, stem: imagenetStem(baseOf(spec)), stages: [opening, ...others], firstBlock };
}

/** Schemes whose history is one of states, which can be projected. */
const ofStates: readonly string[] = ['linearTwoStep', 'leapfrog', 'midpoint', 'threeStep'];

function twoStep(k: NonNullable<Variants['k']>): Scheme {
  return linearTwoStep(k === 'per-channel' ? { per: 'channel' } : { parameterization: k });
}

/** The scheme that was asked for, which has options of its own. */
function chosen({ scheme, k }: Variants): Scheme | undefined {
  if (scheme === undefined) return undefined;
  if (k !== undefined)
    throw expected('ERR_CONFIG', 'no value beside a scheme, which has its options itself,', 'preset.k', k);
  return schemeOf(schemeSchema.parse(scheme));
}

function baseOf({ set, base = set === 'cifar' ? 16 : 64 }: ResidualSpec): number {
  return base;
}

function convsOf({ block, groups: [groups, width] = [1, 64] }: ResidualSpec): Convs {
  return block === 'basic' ? basicConvs : bottleneckConvs({ groups, width });
}

/** Stages of doubling width and halved resolution, but for the first. */
function stagesOf(spec: ResidualSpec): [StageConfig, ...StageConfig[]] {
  const { steps, block } = spec;
  const width = block === 'basic' ? baseOf(spec) : 4 * baseOf(spec);
  const [first = 0, ...others] = typeof steps === 'number' ? [steps, steps, steps] : steps;
  return [
    { width, steps: first, stride: 1 },
    ...others.map((n, i) => ({ width: width * 2 ** (i + 1), steps: n, stride: 2 })),
  ];
}

function noiseOf(
  { survival: last }: ResidualSpec,
  options: Parameters<typeof stochasticDepth>[0] = {},
): Noise | undefined {
  return last === undefined ? undefined : stochasticDepth({ last, ...options });
}
