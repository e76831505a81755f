import { z } from 'zod';
import { mostClasses } from '../graph/classes.ts';
import type { InputSpec } from '../graph/spec.ts';
import type { Spec } from './architectures.ts';
import { type Variants, variantsShape } from './variants.ts';

/** Options of a built-in model: its images and classes, and its variant. */
export interface PresetOptions extends Variants {
  /** Default: 10 for models of CIFAR, 1000 for models of ImageNet; at most 1,000,000. */
  readonly classes?: number | undefined;
  /**
   * Nominal image [channels, height, width], each at most 16,383; default [3, 32, 32], [3, 224, 224], or
   * [3, 331, 331] for PolyNet.
   */
  readonly input?: readonly [channels: number, height: number, width: number] | undefined;
  /**
   * Mean per channel of pixels in [0, 1]. Default for 3 channels: CIFAR's (0.4914, 0.4822, 0.4465), as the LM
   * code uses it for both sets, or ImageNet's (0.485, 0.456, 0.406); otherwise 0.5.
   */
  readonly mean?: readonly number[] | undefined;
  /**
   * Standard deviation per channel. Default for 3 channels: (0.2023, 0.1994, 0.2010) or (0.229, 0.224,
   * 0.225); otherwise 0.25.
   */
  readonly std?: readonly number[] | undefined;
}

const size = z.int().min(1).max(16_383);

/** Check of `PresetOptions`. */
export const presetOptionsSchema: z.ZodType<PresetOptions> = z.strictObject({
  classes: z.int().min(1).max(mostClasses).optional(),
  input: z.tuple([size, size, size]).optional(),
  mean: z.array(z.number()).optional(),
  std: z.array(z.number().positive()).optional(),
  ...variantsShape,
});

interface ImageSet {
  readonly classes: number;
  readonly input: readonly [number, number, number];
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const imageNet = { classes: 1000, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Images and classes of the data sets that models were published for. */
const imageSets: Readonly<Record<Spec['set'], ImageSet>> = {
  cifar: { classes: 10, input: [3, 32, 32], mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] },
  imagenet: { ...imageNet, input: [3, 224, 224] },
  polynet: { ...imageNet, input: [3, 331, 331] },
};

/** Images and classes of a model: those asked for, else those of its data set. */
export function imagesOf(
  set: Spec['set'],
  options: Pick<PresetOptions, 'classes' | 'input' | 'mean' | 'std'>,
): { readonly input: InputSpec; readonly classes: number } {
  const { input, classes, ...own } = imageSets[set];
  const [channels, height, width] = options.input ?? input;
  const fill = (value: number): number[] => Array.from({ length: channels }, () => value);
  const known = channels === 3 ? own : { mean: fill(0.5), std: fill(0.25) };
  const spec = { channels, height, width, mean: options.mean ?? known.mean, std: options.std ?? known.std };
  return { input: spec, classes: options.classes ?? classes };
}
