/** Views of one image for an evaluation that averages over them: each is a transform of its own. */
import { expected } from '../errors.ts';
import type { RawSize } from '../native/binding.ts';
import type { Size, Transform, TransformOps } from '../transforms/transforms.ts';

/**
 * Which views there are: the image alone; it and its mirror image; corners and centre, each with its mirror
 * image.
 */
export type Augmentation = (typeof augmentations)[number];

/** The ways to look at an image. */
export const augmentations = ['none', 'flip', 'ten-crop'] as const;

const mirror = { kind: 'horizontalFlip', p: 1 } as const;
const corners: readonly TransformOps['cornerCrop']['corner'][] = [
  'topLeft',
  'topRight',
  'bottomLeft',
  'bottomRight',
];

/**
 * The transforms of the views. The crops of `ten-crop` are torchvision's: of the size of the central crop in
 * which the transform ends, in its place; of pixels that are not cropped 7/8 of each side, as 224 is of 256.
 *
 * @param size of images that are pixels; null for files.
 * @throws ERR_CONFIG for ten crops of files whose transform does not end in a central crop.
 */
export function viewsOf(transform: Transform, augmentation: Augmentation, size: RawSize | null): Transform[] {
  if (augmentation === 'none') return [transform];
  if (augmentation === 'flip') return [transform, [...transform, mirror]];
  const { before, crop } = cropOf(transform, size);
  const crops: Transform = [
    ...corners.map((corner) => ({ kind: 'cornerCrop', size: crop, corner }) as const),
    { kind: 'centerCrop', size: crop },
  ];
  // before the crop: the middle of an odd rest is off its mirror image
  const turned: Transform = [...before, mirror];
  return [before, turned].flatMap((whole) => crops.map((one) => [...whole, one]));
}

function cropOf(transform: Transform, size: RawSize | null): { before: Transform; crop: Size } {
  const last = transform.at(-1);
  if (last?.kind === 'centerCrop') return { before: transform.slice(0, -1), crop: last.size };
  if (last === undefined && size !== null)
    return { before: [], crop: [Math.ceil((size.height * 7) / 8), Math.ceil((size.width * 7) / 8)] };
  throw expected(
    'ERR_CONFIG',
    'a transform that ends in a centerCrop, for ten crops,',
    'data.transform',
    transform,
  );
}
