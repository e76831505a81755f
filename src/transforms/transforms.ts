/**
 * What happens to an image between its file and the batch, as plain data: a list of operations `{ kind, … }`.
 * The native loader carries it out; nothing here sees a pixel.
 */
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import { type Size, type Transform, type TransformInput, type TransformOp, transformSchema } from './ops.ts';

export type {
  Interpolation,
  Range,
  Size,
  Transform,
  TransformInput,
  TransformOp,
  TransformOpInput,
  TransformOps,
} from './ops.ts';
export { transformSchema } from './ops.ts';

/**
 * Checks a transform and fills in its defaults.
 *
 * @param what name of the value in messages.
 * @throws ERR_CONFIG for an operation or parameter that is unknown or out of range.
 * @example
 * parseTransform([{ kind: 'resize', size: 256 }, { kind: 'centerCrop', size: 224 }]);
 */
export function parseTransform(transform: TransformInput, what = 'transform'): Transform {
  return parseOptions(transformSchema, transform, what);
}

/**
 * Size of an image after a transform.
 *
 * @param input [height, width] before it; null: images of varying size.
 * @returns [height, width]; null where images still vary.
 * @throws ERR_CONFIG for a random crop that is larger than the image.
 * @example
 * outputSize(imagenetEval(224), null); // [224, 224]
 */
export function outputSize(
  transform: Transform,
  input: readonly [height: number, width: number] | null,
): readonly [height: number, width: number] | null {
  return transform.reduce(sizeAfter, input);
}

/**
 * Augmentation of ImageNet's training images: a random part (8 % to all of the area, 3:4 to 4:3), resized,
 * mirrored half the time.
 *
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 * @example
 * imagenetTrain(176);
 */
export function imagenetTrain(size: Size = 224): Transform {
  return parseTransform([{ kind: 'randomResizedCrop', size }, { kind: 'horizontalFlip' }], 'imagenetTrain');
}

/**
 * The usual look at an image when evaluating: shorter side to `resize`, then the middle.
 *
 * @param resize default the longer side of `size` / 0.875, rounded: 256 for 224.
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 * @example
 * imagenetEval(224, 232);
 */
export function imagenetEval(
  size: Size = 224,
  resize: number = Math.round(Math.max(...pair(size)) / 0.875),
): Transform {
  return parseTransform(
    [
      { kind: 'resize', size: resize },
      { kind: 'centerCrop', size },
    ],
    'imagenetEval',
  );
}

/**
 * Augmentation of CIFAR's training images: a border of 4 zeros, a random part of the size, mirrored half the
 * time.
 *
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 * @see He et al., "Deep residual learning", 2016, section 4.2
 * @example
 * cifarTrain();
 */
export function cifarTrain(size: Size = 32): Transform {
  return parseTransform([{ kind: 'randomCrop', size, padding: 4 }, { kind: 'horizontalFlip' }], 'cifarTrain');
}

/**
 * A transform whose images come out square: its last random part is resized to that size, or else all of the
 * result.
 *
 * @throws ERR_CONFIG for a size out of 1 … 16383.
 * @example
 * resizedTo(imagenetTrain(224), 128); // imagenetTrain(128)
 */
export function resizedTo(transform: Transform, size: number): Transform {
  const last = transform.findLastIndex(({ kind }) => kind === 'randomResizedCrop');
  const changed = transform.map((op, i) => (i === last ? { ...op, size } : op)) as Transform;
  const after = last < 0 ? null : outputSize(changed, null);
  if (after !== null && after[0] === size && after[1] === size) return parseTransform(changed, 'resizedTo');
  return parseTransform([...transform, { kind: 'resize', size: [size, size] }], 'resizedTo');
}

/**
 * ImageNet's mean and standard deviation per channel, of pixels scaled to [0, 1]: what files are normalised
 * with unless told.
 */
export const imagenetMean: readonly number[] = [0.485, 0.456, 0.406];
/** Standard deviation of ImageNet's channels (red, green, blue), of values in [0, 1]. */
export const imagenetStd: readonly number[] = [0.229, 0.224, 0.225];

type MaybeSize = readonly [number, number] | null;

function sizeAfter(input: MaybeSize, op: TransformOp): MaybeSize {
  switch (op.kind) {
    case 'randomResizedCrop':
    case 'centerCrop':
    case 'cornerCrop':
      return pair(op.size);
    case 'crop':
      return [op.height, op.width];
    case 'randomCrop':
      return randomCropSize(input, pair(op.size), op.padding);
    case 'resize':
      if (typeof op.size === 'number') return shorterSideTo(input, op.size);
      return op.fit === 'cover' ? covering(input, op.size) : op.size;
    default:
      return input;
  }
}

function randomCropSize(input: MaybeSize, size: readonly [number, number], padding: number): MaybeSize {
  if (input !== null && (input[0] + 2 * padding < size[0] || input[1] + 2 * padding < size[1]))
    throw expected(
      'ERR_CONFIG',
      `a size of at most ${input.join(' x ')} and the padding`,
      'randomCrop.size',
      size,
    );
  return size;
}

function shorterSideTo(input: MaybeSize, side: number): MaybeSize {
  if (input === null) return null;
  const [height, width] = input;
  return width <= height
    ? [Math.floor((side * height) / width), side]
    : [side, Math.floor((side * width) / height)];
}

function covering(input: MaybeSize, [height, width]: readonly [number, number]): MaybeSize {
  if (input === null) return null;
  const [h, w] = input;
  return w * height >= h * width
    ? [height, Math.floor((height * w) / h)]
    : [Math.floor((width * h) / w), width];
}

function pair(size: Size): readonly [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}
