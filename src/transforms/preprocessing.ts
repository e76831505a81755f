/**
 * What happens to an image file on its way into a network when it is evaluated: with the network's mean and
 * deviation, all of it.
 */
import { z } from 'zod';
import { type Decoding, type DecodingInput, decodingOf, decodingShape } from './decoding.ts';
import {
  imagenetEval,
  parseTransform,
  type Size,
  type Transform,
  type TransformInput,
  transformSchema,
} from './transforms.ts';

/** What happens to image files in evaluations and predictions; a checkpoint has it. */
export interface Preprocessing extends Decoding {
  readonly transform: Transform;
}

/** As much of it as was decided. */
export type SomePreprocessing = { readonly [K in keyof Preprocessing]?: Preprocessing[K] | undefined };

/** The same as it may be written: what is left out is the model's, or the usual. */
export interface PreprocessingInput extends DecodingInput {
  readonly transform?: TransformInput | undefined;
}

/** The options of preprocessing, in the schemas of those who have them. */
export const preprocessingShape: {
  readonly transform: z.ZodType<Transform | undefined, TransformInput | undefined>;
} & typeof decodingShape = {
  transform: transformSchema.optional().describe('what happens to image files in evaluations'),
  ...decodingShape,
};

/** The schema of what a checkpoint says of it. */
export const preprocessingSchema: z.ZodType<Preprocessing> = z.object({
  transform: transformSchema,
  exif: z.boolean(),
  sixteenBit: z.enum(['scale', 'clip']),
});

/** Images up to this side fill their frame, as those of MNIST, CIFAR and Tiny ImageNet do. */
const smallSide = 64;

/**
 * The transform of evaluations unless one is given:
 * `imagenetEval(size)` (256 and 224); up to 64 pixels `wholeImage(size)`.
 *
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 */
export function usualEval(size: Size): Transform {
  const sides = [...new Set([size].flat())];
  const [side = 1] = sides;
  const wanted = sides.length === 1 ? side : size;
  return Math.max(...sides) <= smallSide ? wholeImage(wanted) : imagenetEval(wanted);
}

/**
 * All of an image but what another ratio of its sides costs: resized until it covers the size, then the
 * middle. An image of this size stays as it is.
 *
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 * @example
 * wholeImage(28);
 */
export function wholeImage(size: Size): Transform {
  const covering = typeof size === 'number' ? { size } : { size, fit: 'cover' as const };
  return parseTransform(
    [
      { kind: 'resize', ...covering },
      { kind: 'centerCrop', size },
    ],
    'wholeImage',
  );
}

/**
 * Preprocessing of which some is given.
 *
 * @param size of the network's images.
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 */
export function preprocessingOf(size: Size, ...given: readonly SomePreprocessing[]): Preprocessing {
  const transform = given.find((one) => one.transform !== undefined)?.transform ?? usualEval(size);
  return { transform, ...decodingOf(...given) };
}
