/** Single choices of augmentation and of evaluation under timm's names, beside a whole transform. */
import { z } from 'zod';
import { expected } from '../errors.ts';
import { type PolicySampling, policySamplings, policySchema } from './autoAugment.ts';
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
  /** A policy of timm by its string: rand-m9-mstd0.5-inc1, original, originalr, v0, v0r, 3a, augmix, … */
  readonly aa?: string | undefined;
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
  aa: policySchema
    .optional()
    .describe("timm's policy: rand-m9-mstd0.5-inc1, original, originalr, v0, v0r, 3a, augmix-m5-w4, …"),
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
const changes: { readonly [K in 'cropPct' | 'interpolation' | 'aa' | 'colorJitter' | 'reprob']: Change } = {
  cropPct: (transforms, { cropPct = 1 }, { size }) => ({
    ...transforms,
    test: imagenetEval(size, Math.floor(Math.max(...[size].flat()) / cropPct)),
  }),
  interpolation: ({ train, test }, { interpolation = 'bilinear' }) => {
    const filtered = (ops: Transform): Transform =>
      ops.map((op) =>
        op.kind === 'resize' || op.kind === 'randomResizedCrop' ? { ...op, interpolation } : op,
      );
    return { train: filtered(train), test: filtered(test) };
  },
  aa: ({ train, test }, { aa = '' }) => {
    // timm jitters colours beside 3-Augment alone.
    const rest = train.filter(({ kind }) => kind !== 'colorJitter' || jitters(aa));
    const policy = { kind: 'autoAugment', policy: aa, interpolation: samplingOf(train) } as const;
    return { train: placed(rest, policy), test };
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

/** Operations that stand for one another, and those behind them, in the order of timm. */
const policies: readonly Kind[] = ['randAugment', 'trivialAugment', 'autoAugment'];
const colours: readonly Kind[] = ['colorJitter', 'lighting', 'grayscale'];
const erasers: readonly Kind[] = ['randomErasing', 'cutout'];
type Kind = TransformOp['kind'];

/** In the place of the operation that it stands for; else before what comes behind it, or at the end. */
function placed(ops: Transform, op: TransformOpInput): Transform {
  const same: readonly Kind[] = op.kind === 'autoAugment' ? policies : [op.kind];
  const behind =
    op.kind === 'autoAugment' ? [...colours, ...erasers] : op.kind === 'colorJitter' ? erasers : [];
  const rest = ops.filter(({ kind }) => !same.includes(kind));
  const before = ops.findIndex(({ kind }) => same.includes(kind));
  const end =
    before >= 0 && op.kind === 'autoAugment' ? before : rest.findIndex(({ kind }) => behind.includes(kind));
  const at = end < 0 ? rest.length : end;
  return parseTransform([...rest.slice(0, at), op, ...rest.slice(at)], 'augmentation');
}

/** Whether a policy leaves the colours to be jittered beside it. */
const jitters = (policy: string): boolean => policy.includes('3a');

/** What reads the points of a policy's images: the filter of the crop before it, as in timm. */
function samplingOf(train: Transform): PolicySampling {
  const crop = train.find((op) => op.kind === 'randomResizedCrop' || op.kind === 'resize');
  if (crop === undefined) return 'random';
  const found = policySamplings.find((sampling) => sampling === crop.interpolation);
  if (found !== undefined) return found;
  throw expected(
    'ERR_CONFIG',
    'nearest, bilinear or bicubic beside aa',
    'train.interpolation',
    crop.interpolation,
    {
      hint: 'Pillow turns and shears images by these three alone; a whole transform may have another for its crop.',
    },
  );
}

/**
 * Transforms with what is chosen; where there are none, those of files are `imagenetTrain` and `usualEval`.
 *
 * @throws ERR_CONFIG for `remode` or `recount` without `reprob`, a hue above 0.5, `colorJitter` beside a
 *   policy that has it not in timm, and filters that cannot turn an image beside `aa`.
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
  if (chosen.aa !== undefined && chosen.colorJitter !== undefined && !jitters(chosen.aa))
    throw expected(
      'ERR_CONFIG',
      `nothing beside the policy ${chosen.aa}`,
      'train.colorJitter',
      chosen.colorJitter,
      { hint: 'timm jitters no colours beside a policy other than 3a; a whole transform may have both.' },
    );
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
