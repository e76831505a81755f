/** Single choices of augmentation and of evaluation under timm's names, beside a whole transform. */
import { z } from 'zod';
import { expected } from '../errors.ts';
import {
  type Interpolation,
  interpolations,
  type Transform,
  type TransformOp,
  type TransformOpInput,
} from './ops.ts';
import { usualEval } from './preprocessing.ts';
import { imagenetEval, imagenetTrain, parseTransform, type Size } from './transforms.ts';

/** Transforms of the images to train on and to test on; undefined: pixels that stay as they are. */
export interface Transforms {
  readonly train?: Transform | undefined;
  readonly test?: Transform | undefined;
}

/** What is chosen; what is left out stays. */
export interface Augmentation {
  /** Filter of every resize, in training and evaluation. */
  readonly interpolation?: Interpolation | undefined;
  /** Evaluation: the middle shown, as part of the side that is resized to, in (0, 1]. */
  readonly cropPct?: number | undefined;
  /** Brightness, contrast and saturation (and hue) change by factors from 1 ± x; one number for the three. */
  readonly colorJitter?: number | readonly number[] | undefined;
  /** Probability that a random rectangle is filled: share 0.02 … 1/3 of the area, ratio 0.3 … 1/0.3. */
  readonly reprob?: number | undefined;
  /** What it is filled with: the mean, one random colour, or noise; default pixel. */
  readonly remode?: 'const' | 'rand' | 'pixel' | undefined;
  /** Most rectangles, their number drawn from 1 on, which share the area; default 1. */
  readonly recount?: number | undefined;
}

const factor = z.number().min(0).max(100);

/** Schema of `Augmentation`, for configuration files and flags. */
export const augmentationShape: {
  readonly [K in keyof Augmentation]-?: z.ZodType<Augmentation[K], Augmentation[K]>;
} = {
  interpolation: z
    .enum(interpolations)
    .optional()
    .describe("filter of every resize, in training and evaluation (default: the recipe's, else bilinear)"),
  cropPct: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe("evaluation: part of the resized image that is shown (default: the recipe's, else 0.875)"),
  colorJitter: z
    .union([
      factor,
      z
        .array(factor)
        .min(1)
        .max(4)
        .refine(({ length }) => length !== 2, { message: '1, 3 or 4 numbers' })
        .readonly(),
    ])
    .optional()
    .describe('brightness, contrast and saturation by factors from 1 ± x; or three, or four with the hue'),
  reprob: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('random erasing: probability that a rectangle is filled (default: 0)'),
  remode: z
    .enum(['const', 'rand', 'pixel'])
    .optional()
    .describe('random erasing: filled with the mean, one random colour, or noise (default: pixel)'),
  recount: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('random erasing: most rectangles, which share the area (default: 1)'),
};

/** What the transforms are for. */
interface Images {
  /** Of the network's images. */
  readonly size: Size;
  /** Whether the images are files, which are brought to the size; pixels stay as they are. */
  readonly files: boolean;
}

type Change = (transforms: Whole, chosen: Augmentation, images: Images) => Whole;
type Whole = Required<{ readonly [K in keyof Transforms]: Transform }>;

/** One row an option; those that belong to another are read by it. */
const changes: { readonly [K in 'cropPct' | 'interpolation' | 'colorJitter' | 'reprob']: Change } = {
  cropPct: (transforms, { cropPct = 1 }, { size }) => ({
    ...transforms,
    test: imagenetEval(size, Math.floor(Math.max(...[size].flat()) / cropPct)),
  }),
  interpolation: ({ train, test }, { interpolation }) => {
    const filtered = (ops: Transform): Transform =>
      ops.map((op) => ('interpolation' in op ? { ...op, interpolation } : op)) as Transform;
    return { train: filtered(train), test: filtered(test) };
  },
  colorJitter: ({ train, test }, { colorJitter = [] }) => {
    const [brightness = 0, contrast = brightness, saturation = brightness, hue = 0] = [colorJitter].flat();
    return { train: placed(train, { kind: 'colorJitter', brightness, contrast, saturation, hue }), test };
  },
  reprob: ({ train, test }, { reprob: p = 0, remode = 'pixel', recount: count = 1 }) => {
    const value = ({ const: 'mean', rand: 'color', pixel: 'random' } as const)[remode];
    const area = { scale: [0.02, 1 / 3], ratio: [0.3, 1 / 0.3] } as const;
    return { train: placed(train, { kind: 'randomErasing', p, ...area, value, count }), test };
  },
};

/** In the place of the operation of this kind; else before what erases, or at the end. */
function placed(ops: Transform, op: TransformOpInput): Transform {
  const rest = ops.filter(({ kind }) => kind !== op.kind);
  const erasing = ({ kind }: TransformOp): boolean => kind === 'randomErasing' || kind === 'cutout';
  const end = op.kind === 'randomErasing' ? -1 : rest.findIndex(erasing);
  const at = end < 0 ? rest.length : end;
  return parseTransform([...rest.slice(0, at), op, ...rest.slice(at)], 'augmentation');
}

/**
 * Transforms with what is chosen; where there are none, those of files are `imagenetTrain` and `usualEval`.
 *
 * @throws ERR_CONFIG for `remode` or `recount` without `reprob`, and a hue above 0.5.
 * @example
 * const { train } = augmentedWith({}, { reprob: 0.25 }, { size: 224, files: true });
 * train?.at(-1); // { kind: 'randomErasing', … }
 */
export function augmentedWith(transforms: Transforms, chosen: Augmentation, images: Images): Transforms {
  const given = Object.entries(chosen).filter(([, value]) => value !== undefined);
  if (given.length === 0) return transforms;
  for (const name of ['remode', 'recount'] as const)
    if (chosen[name] !== undefined && chosen.reprob === undefined)
      throw expected('ERR_CONFIG', 'nothing without reprob', `train.${name}`, chosen[name]);
  const { size, files } = images;
  const whole: Whole = {
    train: transforms.train ?? (files ? imagenetTrain(size) : []),
    test: transforms.test ?? (files ? usualEval(size) : []),
  };
  const changed = Object.entries(changes)
    .filter(([name]) => chosen[name as keyof Augmentation] !== undefined)
    .reduce((before, [, change]) => change(before, chosen, images), whole);
  return changed;
}
