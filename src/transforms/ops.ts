/**
 * The operations of a transform, as types and as a schema: names, defaults and distributions of torchvision
 * on Pillow images.
 */
import { z } from 'zod';
import { type PolicySampling, policySamplings, policySchema } from './autoAugment.ts';

/** A square's side, or [height, width], in pixels. */
export type Size = number | readonly [height: number, width: number];
/** [lowest, highest] */
export type Range = readonly [number, number];
/** Filters of a resize, antialiased as Pillow's (bilinear: a triangle, bicubic: a = -1/2); nearest is not. */
export type Interpolation = (typeof interpolations)[number];

/** Their names. */
export const interpolations = ['nearest', 'bilinear', 'bicubic', 'box', 'hamming', 'lanczos'] as const;

/**
 * The operations and their parameters. Angles in degrees, fills are 0 and the nearest pixel is taken where
 * nothing else is said.
 */
export interface TransformOps {
  /** A random part of the image (its share of the area, its width / height), resized to `size`. */
  readonly randomResizedCrop: {
    readonly size: Size;
    /** Default [0.08, 1]. */
    readonly scale: Range;
    /** Default [3/4, 4/3]. */
    readonly ratio: Range;
    readonly interpolation: Interpolation;
    /**
     * Decode a JPEG at 1/2, 1/4 or 1/8 where that leaves at least `size`; faster, other pixels. Default true.
     */
    readonly scaledDecode: boolean;
  };
  /** To [height, width], or the shorter side to `size` and the longer in proportion, rounded down. */
  readonly resize: {
    readonly size: Size;
    /**
     * `cover`: [height, width] is the least size, both sides stay in proportion; default: each side is met
     * for itself.
     */
    readonly fit?: 'cover' | undefined;
    readonly interpolation: Interpolation;
    /** As in `randomResizedCrop`, but default false: an evaluation is exact. */
    readonly scaledDecode: boolean;
  };
  /** The middle; what is smaller gets a border of 0. */
  readonly centerCrop: { readonly size: Size };
  /** The part in a corner; what is smaller gets a border of 0. */
  readonly cornerCrop: {
    readonly size: Size;
    readonly corner: 'topLeft' | 'topRight' | 'bottomLeft' | 'bottomRight';
  };
  /**
   * A part at a random place, after a border of `padding` pixels: zeros, or the image mirrored at its
   * outermost pixels.
   */
  readonly randomCrop: {
    readonly size: Size;
    /** Default 0. */
    readonly padding: number;
    /** Default constant. */
    readonly mode: 'constant' | 'reflect';
  };
  /** The part at (top, left); beyond the image it is 0. */
  readonly crop: {
    readonly top: number;
    readonly left: number;
    readonly height: number;
    readonly width: number;
  };
  /** Mirrors left and right with probability p, default 0.5. */
  readonly horizontalFlip: { readonly p: number };
  /** Mirrors top and bottom with probability p, default 0.5. */
  readonly verticalFlip: { readonly p: number };
  /** Factors from 1 ± x (a hue from ± x), or from [min, max], in random order; each default 0: unchanged. */
  readonly colorJitter: {
    readonly brightness: number | Range;
    readonly contrast: number | Range;
    readonly saturation: number | Range;
    /** In turns of the colour circle, at most 0.5. */
    readonly hue: number | Range;
  };
  /**
   * Adds N(0, std²) along the principal components of ImageNet's colours; default 0.1. Krizhevsky et al.
   * 2012.
   */
  readonly lighting: { readonly std: number };
  /** Takes the colour away with probability p, default 0.1. */
  readonly grayscale: { readonly p: number };
  /**
   * `numOps` of 14 operations at strength `magnitude` of 0 … `bins` - 1; default 2, 9, 31. Cubuk et al. 2020.
   */
  readonly randAugment: { readonly numOps: number; readonly magnitude: number; readonly bins: number };
  /** A policy of timm by its string, see `policySchema`; beyond the image is the network's mean. */
  readonly autoAugment: {
    readonly policy: string;
    /** What reads the points of turned, sheared and shifted images; default random: bilinear or bicubic. */
    readonly interpolation: PolicySampling;
  };
  /** One of 14 operations at random strength of `bins`, default 31. Müller, Hutter 2021, the wide variant. */
  readonly trivialAugment: { readonly bins: number };
  /** Fills a random rectangle with probability p. Zhong et al. 2020. */
  readonly randomErasing: {
    /** Default 0.5. */
    readonly p: number;
    /** Share of the area, default [0.02, 0.33]. */
    readonly scale: Range;
    /** Height / width, default [0.3, 3.3]. */
    readonly ratio: Range;
    /**
     * The mean of the network's normalisation, noise N(mean, std²) of it (`color`: one draw for all of the
     * rectangle), or a level of 0 … 255; default mean.
     */
    readonly value: 'mean' | 'random' | 'color' | number;
    /** Most rectangles: their number is drawn from 1 on, and the area is shared; default 1. */
    readonly count: number;
  };
  /**
   * Fills a square with a random centre with the mean of the network's normalisation. DeVries, Taylor 2017.
   */
  readonly cutout: { readonly size: number };
  /** Towards black below 1. */
  readonly brightness: { readonly factor: number };
  /** Towards the mean gray below 1. */
  readonly contrast: { readonly factor: number };
  /** Towards gray below 1. */
  readonly saturation: { readonly factor: number };
  /** Towards a blurred image below 1. */
  readonly sharpness: { readonly factor: number };
  /** Turns the colour circle by `factor` of a turn, -0.5 … 0.5. */
  readonly hue: { readonly factor: number };
  /** Keeps the highest bits, 1 … 8, of every channel. */
  readonly posterize: { readonly bits: number };
  /** Inverts levels from `threshold` on. */
  readonly solarize: { readonly threshold: number };
  /** Stretches every channel to 0 … 255. */
  readonly autoContrast: object;
  /** Makes every channel's histogram flat. */
  readonly equalize: object;
  /** 255 - x */
  readonly invert: object;
  /** Counter-clockwise about the centre. */
  readonly rotate: { readonly degrees: number };
  /** Along x, fixed at the top left corner. */
  readonly shearX: { readonly degrees: number };
  /** Along y, fixed at the top left corner. */
  readonly shearY: { readonly degrees: number };
  /** To the right. */
  readonly translateX: { readonly pixels: number };
  /** Downwards. */
  readonly translateY: { readonly pixels: number };
}

type Kind = keyof TransformOps;
/** Parameters without a default; all others have one. */
type Needed =
  | 'size'
  | 'corner'
  | 'top'
  | 'left'
  | 'height'
  | 'width'
  | 'factor'
  | 'bits'
  | 'threshold'
  | 'degrees'
  | 'pixels'
  | 'policy';
type Input<T> = { readonly [K in keyof T as K extends Needed ? K : never]: T[K] } & {
  readonly [K in keyof T as K extends Needed ? never : K]?: T[K] | undefined;
};

/** One operation, defaults filled in. */
export type TransformOp = { [K in Kind]: { readonly kind: K } & TransformOps[K] }[Kind];
/** One operation as it may be written. */
export type TransformOpInput = { [K in Kind]: { readonly kind: K } & Input<TransformOps[K]> }[Kind];
/** Operations in order, defaults filled in. */
export type Transform = readonly TransformOp[];
/** Operations as they may be written. */
export type TransformInput = readonly TransformOpInput[];

const side = z.int().min(1).max(16_383);
const size = z
  .union([side, z.tuple([side, side]).readonly()])
  .describe('side of a square, or [height, width], in pixels');
const interpolation = z.enum(interpolations).default('bilinear').describe('filter');
const scaledDecode = z.boolean().describe('decode a JPEG at 1/2, 1/4 or 1/8 where that leaves enough');
const probability = z.number().min(0).max(1).describe('probability');
const factor = z.number().min(0).max(1000).describe('1: unchanged');
const degrees = z.number().min(-360).max(360).describe('angle');
const pixels = z.int().min(-16_383).max(16_383).describe('distance in pixels');
const bins = z.int().min(2).max(1000).default(31).describe('number of strengths');

const range = (least: number, most: number): z.ZodType<Range, Range> => {
  const end = z.number().min(least).max(most);
  return z
    .tuple([end, end])
    .readonly()
    .refine(([a, b]) => a <= b, { message: 'an ascending pair' });
};
const spread = (least: number, most: number, about: string): z.ZodType<number | Range, number | Range> =>
  z.union([z.number().min(0).max(most), range(least, most)]).describe(about);
const share = range(1e-6, 1).describe('share of the area');
const aspect = (about: string): z.ZodType<Range, Range> => range(1e-3, 1e3).describe(about);

const shearing = z.number().min(-89).max(89).describe('angle');
const op = <K extends Kind, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({ kind: z.literal(kind), ...shape });

/**
 * Schema of a transform, for options and configuration files: {@link TransformInput} in, {@link Transform}
 * out.
 */
export const transformSchema: z.ZodType<Transform, TransformInput> = z
  .array(
    z.discriminatedUnion('kind', [
      op('randomResizedCrop', {
        size,
        scale: share.default([0.08, 1]),
        ratio: aspect('width / height').default([3 / 4, 4 / 3]),
        interpolation,
        scaledDecode: scaledDecode.default(true),
      }),
      op('resize', {
        size,
        fit: z.literal('cover').optional().describe('[height, width] are the least, in proportion'),
        interpolation,
        scaledDecode: scaledDecode.default(false),
      }),
      op('centerCrop', { size }),
      op('cornerCrop', {
        size,
        corner: z.enum(['topLeft', 'topRight', 'bottomLeft', 'bottomRight']).describe('which corner'),
      }),
      op('randomCrop', {
        size,
        padding: z.int().min(0).max(1024).default(0).describe('width of a border that is added first'),
        mode: z.enum(['constant', 'reflect']).default('constant').describe('what the border holds'),
      }),
      op('crop', {
        top: pixels,
        left: pixels,
        height: side.describe('rows'),
        width: side.describe('columns'),
      }),
      op('horizontalFlip', { p: probability.default(0.5) }),
      op('verticalFlip', { p: probability.default(0.5) }),
      op('colorJitter', {
        brightness: spread(0, 100, '1 ± x, or a range of factors').default(0),
        contrast: spread(0, 100, '1 ± x, or a range of factors').default(0),
        saturation: spread(0, 100, '1 ± x, or a range of factors').default(0),
        hue: spread(-0.5, 0.5, '± x, or a range, in turns of the colour circle').default(0),
      }),
      op('lighting', { std: z.number().min(0).max(100).default(0.1).describe('deviation') }),
      op('grayscale', { p: probability.default(0.1) }),
      op('randAugment', {
        numOps: z.int().min(0).max(100).default(2).describe('operations one after the other'),
        magnitude: z.int().min(0).max(999).default(9).describe('strength, below `bins`'),
        bins,
      }).refine((o) => o.magnitude < o.bins, { message: 'a magnitude below bins', path: ['magnitude'] }),
      op('trivialAugment', { bins }),
      op('autoAugment', {
        policy: policySchema.describe("timm's string: rand-m9-mstd0.5-inc1, original, 3a, augmix, …"),
        interpolation: z
          .enum(policySamplings)
          .default('random')
          .describe('filter of turns, shears and shifts'),
      }),
      op('randomErasing', {
        p: probability.default(0.5),
        scale: share.default([0.02, 0.33]),
        ratio: aspect('height / width').default([0.3, 3.3]),
        value: z
          .union([z.enum(['mean', 'random', 'color']), z.int().min(0).max(255)])
          .default('mean')
          .describe("the network's mean, noise about it, one colour of such noise, or a level"),
        count: z.int().min(1).max(100).default(1).describe('most rectangles, which share the area'),
      }),
      op('cutout', { size: side.describe('side of the square') }),
      op('brightness', { factor }),
      op('contrast', { factor }),
      op('saturation', { factor }),
      op('sharpness', { factor }),
      op('hue', { factor: z.number().min(-0.5).max(0.5).describe('turns of the colour circle') }),
      op('posterize', { bits: z.int().min(1).max(8).describe('bits to keep') }),
      op('solarize', { threshold: z.number().min(0).max(256).describe('first level that is inverted') }),
      op('autoContrast', {}),
      op('equalize', {}),
      op('invert', {}),
      op('rotate', { degrees }),
      op('shearX', { degrees: shearing }),
      op('shearY', { degrees: shearing }),
      op('translateX', { pixels }),
      op('translateY', { pixels }),
    ]),
  )
  .readonly();
