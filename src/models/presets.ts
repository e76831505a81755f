import { z } from 'zod';
import { oneOf, parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { InputSpec } from '../graph/spec.ts';
import { preactBasic, preactBottleneck } from '../nn/blocks.ts';
import { preactHead } from '../nn/heads.ts';
import { cifarStem } from '../nn/stems.ts';
import { ownNormShortcut } from '../nn/transitions.ts';
import type { Block, Scheme } from '../roles.ts';
import { euler } from '../schemes/euler.ts';
import { linearTwoStep } from '../schemes/linearTwoStep.ts';
import { type NetworkConfig, network } from './network.ts';

/** A named model: three stages of `n` steps, widths by block (basic 16/32/64, bottleneck 64/128/256). */
interface PresetRow {
  readonly scheme: 'euler' | 'linearTwoStep';
  readonly block: 'basic' | 'bottleneck';
  readonly n: number;
  readonly source: string;
}

/**
 * Every named model; depth is 6n + 2 with basic and 9n + 2 with bottleneck blocks.
 * All have the own-norm shortcut of the released code (2prime/LM-ResNet, MResNet.py), which has 32 layers by its rule only.
 */
export const presets = {
  lm_resnet20: { scheme: 'linearTwoStep', block: 'basic', n: 3, source: 'Lu et al. 2018, MResNet20' },
  lm_resnet32: { scheme: 'linearTwoStep', block: 'basic', n: 5, source: 'Lu et al. 2018, MResNet32' },
  lm_resnet44: { scheme: 'linearTwoStep', block: 'basic', n: 7, source: 'Lu et al. 2018, MResNet44' },
  lm_resnet56: { scheme: 'linearTwoStep', block: 'basic', n: 9, source: 'Lu et al. 2018, MResNet56' },
  lm_resnet110: { scheme: 'linearTwoStep', block: 'basic', n: 18, source: 'Lu et al. 2018, MResNet110' },
  lm_resnet164: { scheme: 'linearTwoStep', block: 'bottleneck', n: 18, source: 'Lu et al. 2018, MResNet164' },
  preact_resnet20: { scheme: 'euler', block: 'basic', n: 3, source: 'He et al. 2016, ResNet20' },
  preact_resnet32: { scheme: 'euler', block: 'basic', n: 5, source: 'He et al. 2016, ResNet32' },
  preact_resnet44: { scheme: 'euler', block: 'basic', n: 7, source: 'He et al. 2016, ResNet44' },
  preact_resnet56: { scheme: 'euler', block: 'basic', n: 9, source: 'He et al. 2016, ResNet56' },
  preact_resnet110: { scheme: 'euler', block: 'basic', n: 18, source: 'He et al. 2016, ResNet110' },
  preact_resnet164: { scheme: 'euler', block: 'bottleneck', n: 18, source: 'He et al. 2016, ResNet164' },
} as const;

/** Name of a built-in model. */
export type PresetName = keyof typeof presets;

const rows: Readonly<Record<PresetName, PresetRow>> = presets;

/** All names of built-in models. */
export const presetNames: readonly PresetName[] = Object.keys(presets) as PresetName[];

const size = z.int().min(1);
const optionsSchema = z.object({
  classes: size.default(10),
  input: z.tuple([size, size, size]).default([3, 32, 32]),
  mean: z.array(z.number()).optional(),
  std: z.array(z.number().positive()).optional(),
  k: z.enum(['paper', 'official']).optional(),
});

/** Options of a built-in model. */
export interface PresetOptions {
  /** Default 10. */
  readonly classes?: number;
  /** Nominal image [channels, height, width]; default [3, 32, 32]. */
  readonly input?: readonly [channels: number, height: number, width: number];
  /**
   * Mean per channel of pixels in [0, 1]. Default for 3 channels: CIFAR's, as the LM code uses it for both sets
   * (0.4914, 0.4822, 0.4465); otherwise 0.5.
   */
  readonly mean?: readonly number[];
  /** Standard deviation per channel. Default for 3 channels: (0.2023, 0.1994, 0.2010); otherwise 0.25. */
  readonly std?: readonly number[];
  /** How the LM models store k, see `linearTwoStep`; default 'paper'. */
  readonly k?: 'paper' | 'official';
}

const cifar = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };
const blocks: Record<PresetRow['block'], { block: Block; widths: readonly number[] }> = {
  basic: { block: preactBasic, widths: [16, 32, 64] },
  bottleneck: { block: preactBottleneck({ expansion: 4 }), widths: [64, 128, 256] },
};

/**
 * Graph of a built-in model.
 *
 * @throws ERR_UNKNOWN_NAME with the nearest name; ERR_CONFIG for a wrong option, or `k` on a model without one.
 * @example
 * const graph = preset('lm_resnet20', { classes: 100 });
 */
export function preset(name: PresetName, options: PresetOptions = {}): Graph {
  return network(presetConfig(name, options));
}

/**
 * Configuration of a built-in model, to be changed in part and given to `network`.
 *
 * @throws as `preset`.
 * @example
 * const graph = network({ ...presetConfig('lm_resnet20'), name: 'channelwise', scheme: linearTwoStep({ per: 'channel' }) });
 */
export function presetConfig(name: PresetName, options: PresetOptions = {}): NetworkConfig {
  const row = rows[oneOf(name, presetNames, 'model')];
  const { classes, input, mean, std, k } = parseOptions(optionsSchema, options, 'preset');
  const { block, widths } = blocks[row.block];
  return {
    name,
    input: inputSpec(input, mean, std),
    classes,
    stem: cifarStem(16),
    stages: widths.map((width, i) => ({ width, steps: row.n, stride: i === 0 ? 1 : 2 })),
    block,
    scheme: schemeOf(row, k),
    transition: ownNormShortcut,
    head: preactHead,
  };
}

function schemeOf({ scheme }: PresetRow, k: PresetOptions['k']): Scheme {
  if (scheme === 'linearTwoStep') return linearTwoStep({ parameterization: k ?? 'paper' });
  if (k !== undefined) throw expected('ERR_CONFIG', 'no value: its scheme has no k', 'preset.k', k);
  return euler;
}

function inputSpec(
  [channels, height, width]: readonly [number, number, number],
  mean?: number[],
  std?: number[],
): InputSpec {
  const fill = (value: number): number[] => Array.from({ length: channels }, () => value);
  const known = channels === 3 ? cifar : { mean: fill(0.5), std: fill(0.25) };
  return { channels, height, width, mean: mean ?? known.mean, std: std ?? known.std };
}
