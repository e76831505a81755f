/**
 * What happens to an image file on its way into a network when it is evaluated: with the network's mean and
 * deviation, all of it.
 */
import { z } from 'zod';
import { type Decoding, type DecodingInput, decodingOf, decodingShape } from './decoding.ts';
import {
  imagenetEval,
  outputSize,
  parseTransform,
  type Size,
  type Transform,
  type TransformInput,
  type TransformOp,
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

/** [height, width] */
type Sides = readonly [height: number, width: number];

/** Images up to this side fill their frame, as those of MNIST, CIFAR and Tiny ImageNet do. */
const smallSide = 64;

/**
 * The transform of evaluations unless one is given:
 * `imagenetEval(size)` (256 and 224); up to 64 pixels `wholeImage(size)`.
 *
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 */
export function usualEval(size: Size): Transform {
  const wanted = squareSide(size) ?? size;
  return Math.max(...[size].flat()) <= smallSide ? wholeImage(wanted) : imagenetEval(wanted);
}

/** The side of a square; null for another shape. */
function squareSide(size: Size): number | null {
  const [side = 1, ...others] = new Set([size].flat());
  return others.length === 0 ? side : null;
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
  const side = squareSide(size);
  const covering = side === null ? { size, fit: 'cover' as const } : { size: side };
  return parseTransform(
    [
      { kind: 'resize', ...covering },
      { kind: 'centerCrop', size: side ?? size },
    ],
    'wholeImage',
  );
}

/**
 * A transform of evaluations at another size: resizes and central crops in proportion, so that as much is
 * cut off; `usualEval` where it has other
 * operations or does not give the first size.
 *
 * @param from, to [height, width] of what it gives.
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 */
export function transformTo(transform: Transform, from: Sides, to: Sides): Transform {
  if (from.join() === to.join()) return transform;
  const scales = transform.every(({ kind }) => kind === 'resize' || kind === 'centerCrop');
  const fits = outputSize(transform, null)?.join() === from.join();
  if (!scales || !fits) return usualEval(to);
  const changed = transform.map((op) => ('size' in op ? scaledOp(op as Sized, from, to) : op));
  return parseTransform(changed as Transform, 'transform');
}

/** An operation that has a size. */
type Sized = Extract<TransformOp, { readonly kind: 'resize' | 'centerCrop' }>;

function scaledOp(op: Sized, from: Sides, to: Sides): TransformOp {
  const whole = squareSide(to) ?? to;
  const { size } = op;
  if (typeof size !== 'number')
    return {
      ...op,
      size: [Math.round((size[0] * to[0]) / from[0]), Math.round((size[1] * to[1]) / from[1])],
    };
  if (size !== from[0] || size !== from[1])
    return { ...op, size: Math.round((size * Math.max(...to)) / Math.max(...from)) };
  const covers = op.kind === 'resize' && typeof whole !== 'number';
  return covers ? { ...op, size: whole, fit: 'cover' } : { ...op, size: whole };
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
