import { type KnownName, oneOf, parseOptions, type Suggesting } from '../check.ts';
import type { Graph } from '../graph/graph.ts';
import { checkInputOrder } from '../graph/inputOrder.ts';
import { architecture, type Spec } from './architectures.ts';
import { type NetworkConfig, network } from './network.ts';
import { imagesOf, type PresetOptions, presetOptionsSchema } from './presetOptions.ts';

export type { PresetOptions } from './presetOptions.ts';

/** A named model: the sizes of its network, and where they are from. */
export type PresetRow = Spec & { readonly source: string };

/** Every named model, named as in timm. */
// biome-ignore format: one line each
export const presets = {
  // ResNet, post-activation: CIFAR with shortcut A, ImageNet as torchvision has it (200 as fb.resnet.torch)
  resnet20: { net: 'resnet', set: 'cifar', block: 'basic', steps: 3, source: 'He et al. 2015' },
  resnet32: { net: 'resnet', set: 'cifar', block: 'basic', steps: 5, source: 'He et al. 2015' },
  resnet44: { net: 'resnet', set: 'cifar', block: 'basic', steps: 7, source: 'He et al. 2015' },
  resnet56: { net: 'resnet', set: 'cifar', block: 'basic', steps: 9, source: 'He et al. 2015' },
  resnet110: { net: 'resnet', set: 'cifar', block: 'basic', steps: 18, source: 'He et al. 2015' },
  resnet164: { net: 'resnet', set: 'cifar', block: 'bottleneck', steps: 18, source: 'He et al. 2016, original units' },
  resnet1202: { net: 'resnet', set: 'cifar', block: 'basic', steps: 200, source: 'He et al. 2015' },
  resnet18: { net: 'resnet', set: 'imagenet', block: 'basic', steps: [2, 2, 2, 2], source: 'torchvision' },
  resnet34: { net: 'resnet', set: 'imagenet', block: 'basic', steps: [3, 4, 6, 3], source: 'torchvision' },
  resnet50: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 6, 3], source: 'torchvision' },
  resnet101: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], source: 'torchvision' },
  resnet152: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 8, 36, 3], source: 'torchvision' },
  resnet200: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 24, 36, 3], source: 'fb.resnet.torch' },
  // Wide ResNet: bottlenecks of twice the channels inside
  wide_resnet50_2: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 6, 3], groups: [1, 128], source: 'Zagoruyko and Komodakis 2016, torchvision' },
  wide_resnet101_2: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], groups: [1, 128], source: 'Zagoruyko and Komodakis 2016, torchvision' },
  // Pre-activation ResNet: CIFAR with the shortcut of the LM code, ImageNet as fb.resnet.torch has it
  preact_resnet20: { net: 'preact', set: 'cifar', block: 'basic', steps: 3, source: 'He et al. 2016' },
  preact_resnet32: { net: 'preact', set: 'cifar', block: 'basic', steps: 5, source: 'He et al. 2016' },
  preact_resnet44: { net: 'preact', set: 'cifar', block: 'basic', steps: 7, source: 'He et al. 2016' },
  preact_resnet56: { net: 'preact', set: 'cifar', block: 'basic', steps: 9, source: 'He et al. 2016' },
  preact_resnet110: { net: 'preact', set: 'cifar', block: 'basic', steps: 18, source: 'He et al. 2016' },
  preact_resnet164: { net: 'preact', set: 'cifar', block: 'bottleneck', steps: 18, source: 'He et al. 2016' },
  preact_resnet1001: { net: 'preact', set: 'cifar', block: 'bottleneck', steps: 111, source: 'He et al. 2016' },
  preact_resnet1202: { net: 'preact', set: 'cifar', block: 'basic', steps: 200, source: 'He et al. 2016' },
  preact_resnet18: { net: 'preact', set: 'imagenet', block: 'basic', steps: [2, 2, 2, 2], source: 'fb.resnet.torch' },
  preact_resnet34: { net: 'preact', set: 'imagenet', block: 'basic', steps: [3, 4, 6, 3], source: 'fb.resnet.torch' },
  preact_resnet50: { net: 'preact', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 6, 3], source: 'fb.resnet.torch' },
  preact_resnet101: { net: 'preact', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], source: 'fb.resnet.torch' },
  preact_resnet152: { net: 'preact', set: 'imagenet', block: 'bottleneck', steps: [3, 8, 36, 3], source: 'fb.resnet.torch' },
  preact_resnet200: { net: 'preact', set: 'imagenet', block: 'bottleneck', steps: [3, 24, 36, 3], source: 'fb.resnet.torch' },
  // LM-ResNet: shortcut with its own norm, history restarted; 32, 1202 and ImageNet by the rule of the
  // released code
  lm_resnet20: { net: 'lm', set: 'cifar', block: 'basic', steps: 3, source: 'Lu et al. 2018' },
  lm_resnet32: { net: 'lm', set: 'cifar', block: 'basic', steps: 5, source: 'Lu et al. 2018' },
  lm_resnet44: { net: 'lm', set: 'cifar', block: 'basic', steps: 7, source: 'Lu et al. 2018' },
  lm_resnet56: { net: 'lm', set: 'cifar', block: 'basic', steps: 9, source: 'Lu et al. 2018' },
  lm_resnet110: { net: 'lm', set: 'cifar', block: 'basic', steps: 18, source: 'Lu et al. 2018' },
  lm_resnet164: { net: 'lm', set: 'cifar', block: 'bottleneck', steps: 18, source: 'Lu et al. 2018' },
  lm_resnet1202: { net: 'lm', set: 'cifar', block: 'basic', steps: 200, source: 'Lu et al. 2018' },
  lm_resnet18: { net: 'lm', set: 'imagenet', block: 'basic', steps: [2, 2, 2, 2], source: 'Lu et al. 2018' },
  lm_resnet34: { net: 'lm', set: 'imagenet', block: 'basic', steps: [3, 4, 6, 3], source: 'Lu et al. 2018' },
  lm_resnet50: { net: 'lm', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 6, 3], source: 'Lu et al. 2018' },
  lm_resnet101: { net: 'lm', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], source: 'Lu et al. 2018' },
  lm_resnet152: { net: 'lm', set: 'imagenet', block: 'bottleneck', steps: [3, 8, 36, 3], source: 'Lu et al. 2018' },
  lm_resnet200: { net: 'lm', set: 'imagenet', block: 'bottleneck', steps: [3, 24, 36, 3], source: 'Lu et al. 2018' },
  // ResNeXt, post-activation, and LM-ResNeXt; on CIFAR the history has projections of its own, as the sizes
  // of the paper count
  resnext29_8x64d: { net: 'resnet', set: 'cifar', block: 'bottleneck', steps: 3, base: 64, groups: [8, 64], source: 'Xie et al. 2017' },
  resnext29_16x64d: { net: 'resnet', set: 'cifar', block: 'bottleneck', steps: 3, base: 64, groups: [16, 64], source: 'Xie et al. 2017' },
  resnext50_32x4d: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 6, 3], groups: [32, 4], source: 'torchvision' },
  resnext101_32x4d: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], groups: [32, 4], source: 'torchvision' },
  resnext101_32x8d: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], groups: [32, 8], source: 'torchvision' },
  resnext101_64x4d: { net: 'resnet', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], groups: [64, 4], source: 'torchvision' },
  lm_resnext29_8x64d: { net: 'lm', set: 'cifar', block: 'bottleneck', steps: 3, base: 64, groups: [8, 64], history: 'project', source: 'Lu et al. 2018' },
  lm_resnext29_16x64d: { net: 'lm', set: 'cifar', block: 'bottleneck', steps: 3, base: 64, groups: [16, 64], history: 'project', source: 'Lu et al. 2018' },
  lm_resnext50_32x4d: { net: 'lm', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 6, 3], groups: [32, 4], source: 'Lu et al. 2018' },
  lm_resnext101_32x4d: { net: 'lm', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], groups: [32, 4], source: 'Lu et al. 2018' },
  lm_resnext101_64x4d: { net: 'lm', set: 'imagenet', block: 'bottleneck', steps: [3, 4, 23, 3], groups: [64, 4], source: 'Lu et al. 2018' },
  // Stochastic depth with the p_L of the papers
  resnet110_sd: { net: 'resnet', set: 'cifar', block: 'basic', steps: 18, survival: 0.5, source: 'Huang et al. 2016' },
  resnet1202_sd: { net: 'resnet', set: 'cifar', block: 'basic', steps: 200, survival: 0.5, source: 'Huang et al. 2016' },
  lm_resnet56_sd: { net: 'lm', set: 'cifar', block: 'basic', steps: 9, survival: 0.8, source: 'Lu et al. 2018' },
  lm_resnet110_sd: { net: 'lm', set: 'cifar', block: 'basic', steps: 18, survival: 0.5, source: 'Lu et al. 2018' },
  // The other networks that the paper reads as schemes
  polynet: { net: 'polynet', set: 'polynet', modules: [10, 10, 5], source: 'Zhang et al. 2017, Very Deep PolyNet' },
  fractalnet20: { net: 'fractal', set: 'cifar', columns: 3, widths: [64, 128, 256, 512, 512], source: 'Larsson et al. 2017' },
  fractalnet40: { net: 'fractal', set: 'cifar', columns: 4, widths: [64, 128, 256, 512, 512], source: 'Larsson et al. 2017' },
  revnet38: { net: 'revnet', set: 'cifar', block: 'basic', steps: [3, 3, 3], widths: [32, 32, 64, 112], source: 'Gomez et al. 2017' },
  revnet110: { net: 'revnet', set: 'cifar', block: 'basic', steps: [9, 9, 9], widths: [32, 32, 64, 128], source: 'Gomez et al. 2017' },
  revnet164: { net: 'revnet', set: 'cifar', block: 'bottleneck', steps: [9, 9, 9], widths: [32, 32, 64, 128], source: 'Gomez et al. 2017' },
  revnet56: { net: 'revnet', set: 'imagenet', block: 'bottleneck', steps: [2, 2, 3, 2], widths: [128, 128, 256, 512, 832], source: 'Gomez et al. 2017' },
  revnet104: { net: 'revnet', set: 'imagenet', block: 'bottleneck', steps: [2, 2, 11, 2], widths: [128, 128, 256, 512, 832], source: 'Gomez et al. 2017' },
  shake_shake26_2x32d: { net: 'shakeShake', set: 'cifar', base: 32, steps: 4, source: 'Gastaldi 2017' },
  shake_shake26_2x64d: { net: 'shakeShake', set: 'cifar', base: 64, steps: 4, source: 'Gastaldi 2017' },
  shake_shake26_2x96d: { net: 'shakeShake', set: 'cifar', base: 96, steps: 4, source: 'Gastaldi 2017' },
  shake_shake26_2x112d: { net: 'shakeShake', set: 'cifar', base: 112, steps: 4, source: 'Gastaldi 2017' },
} as const;

/** Name of a built-in model. */
export type PresetName = keyof typeof presets;

const rows: Readonly<Record<PresetName, PresetRow>> = presets;

/** All names of built-in models. */
export const presetNames: readonly PresetName[] = Object.keys(presets) as PresetName[];

/**
 * Graph of a built-in model.
 *
 * @throws ERR_UNKNOWN_NAME with the nearest name; ERR_CONFIG for a wrong option, an input in another order
 *   ([32, 32, 3]), or a variant that the model has not.
 * @example
 * const graph = preset('lm_resnet20', { classes: 100 });
 */
export function preset<const N extends Suggesting<PresetName>>(
  name: KnownName<N, PresetName>,
  options: PresetOptions = {},
): Graph {
  return network(presetConfig(name as PresetName, options));
}

/**
 * Configuration of a built-in model, to be changed in part and given to `network`.
 *
 * @throws as `preset`.
 * @example
 * const scheme = linearTwoStep({ per: 'channel' });
 * const graph = network({ ...presetConfig('lm_resnet20'), name: 'channelwise', scheme });
 */
export function presetConfig<const N extends Suggesting<PresetName>>(
  name: KnownName<N, PresetName>,
  options: PresetOptions = {},
): NetworkConfig {
  const row = rows[oneOf(name, presetNames, 'model')];
  const { classes, input, mean, std, ...variants } = parseOptions(presetOptionsSchema, options, 'preset');
  checkInputOrder(input, 'preset.input');
  return { ...architecture(row, variants), name, ...imagesOf(row.set, { classes, input, mean, std }) };
}
