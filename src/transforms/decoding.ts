/** How image files become pixels, where there is a choice. */
import { z } from 'zod';

/** The largest image that is decoded, in pixels: a small file may claim to be a huge image. */
export const maxPixels = 100_000_000;

/** How image files become pixels, defaults filled in. */
export interface Decoding {
  /**
   * Turned upright by the EXIF tag Orientation, default true; false: as stored, which is what torchvision's
   * loader gives.
   */
  readonly exif: boolean;
  /**
   * Gray of 16 bits: `scale` (default), its upper 8 bits, as of every other kind of image; `clip`: levels
   * above 255 become 255, which is what torchvision's loader gives.
   */
  readonly sixteenBit: 'scale' | 'clip';
}

/** How image files become pixels, as it may be written. */
export type DecodingInput = { readonly [K in keyof Decoding]?: Decoding[K] | undefined };

/** The options of decoding, in the schemas of those who have them; what is left out is decided elsewhere. */
export const decodingShape: {
  readonly [K in keyof Decoding]: z.ZodType<Decoding[K] | undefined, Decoding[K] | undefined>;
} = {
  exif: z.boolean().optional().describe('turn images upright by their EXIF tag (default: true)'),
  sixteenBit: z
    .enum(['scale', 'clip'])
    .optional()
    .describe('gray of 16 bits: its upper 8, or cut off above 255 (default: scale)'),
};

/** The first of the given choices that is made, else the default. */
export function decodingOf(...inputs: readonly DecodingInput[]): Decoding {
  const first = <K extends keyof Decoding>(key: K): Decoding[K] | undefined =>
    inputs.find((input) => input[key] !== undefined)?.[key];
  return { exif: first('exif') ?? true, sixteenBit: first('sixteenBit') ?? 'scale' };
}
