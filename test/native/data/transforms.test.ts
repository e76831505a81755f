/** The native transforms against torchvision on Pillow images: the same bytes, and the same distributions. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { TransformInput } from '../../../src/transforms/transforms.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import {
  decoding,
  type Extent,
  type Levels,
  many,
  mean,
  noisy,
  pixels,
  type Result,
  sha,
  std,
  transformed,
} from '../../support/files/transformed.ts';

interface Case {
  readonly image: Extent;
  readonly transform: TransformInput;
  readonly size: Extent;
  readonly sha: string;
}

interface Drawn {
  readonly image: Extent;
  readonly transform: TransformInput;
  readonly outcomes: readonly (readonly [sha: string, probability: number])[];
}

interface Deciles {
  readonly area: readonly number[];
  readonly ratio: readonly number[];
}

interface Golden {
  readonly cases: readonly Case[];
  readonly random: readonly Drawn[];
  readonly boxes: { readonly randomResizedCrop: Deciles; readonly randomErasing: Deciles };
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../../golden/images/transforms.json', import.meta.url), 'utf8'),
);

const name = (transform: TransformInput): string =>
  transform.map(({ kind, ...rest }) => `${kind} ${JSON.stringify(rest)}`).join(', ');

/** Largest distance of two images. */
function distance(a: Uint8Array, b: Uint8Array): number {
  return Math.max(...Array.from(a, (v, i) => Math.abs(v - (b[i] ?? Number.NaN))));
}

const groups = [...new Set(golden.cases.map(({ transform }) => transform.map((op) => op.kind).join(' + ')))];

describe('a transform without chance', () => {
  it.each(groups)('gives the bytes of torchvision on Pillow: %s', async (kinds) => {
    const cases = golden.cases.filter(
      ({ transform }) => transform.map((op) => op.kind).join(' + ') === kinds,
    );
    const wrong: string[] = [];
    for (const { image, transform, size, sha: expected } of cases) {
      const out = await transformed(pixels(image, noisy), transform, 0, image);
      const same = out.height === size[0] && out.width === size[1] && sha(out.pixels) === expected;
      if (!same) wrong.push(`${image.join('x')}: ${name(transform)}`);
    }
    expect(wrong).toEqual([]);
  });

  it('gives the same as its operations one after the other', async () => {
    const size: Extent = [40, 50];
    const ops: TransformInput = [
      { kind: 'resize', size: 31, interpolation: 'bicubic' },
      { kind: 'equalize' },
      { kind: 'crop', top: 3, left: -2, height: 20, width: 30 },
      { kind: 'rotate', degrees: 20 },
      { kind: 'resize', size: [9, 9] },
      { kind: 'centerCrop', size: 12 },
    ];
    let single: Result = { pixels: pixels(size, noisy), height: 40, width: 50 };
    for (const op of ops) single = await transformed(single.pixels, [op], 0, [single.height, single.width]);
    expect(await transformed(pixels(size, noisy), ops, 0, size)).toEqual(single);
  });
});

describe('a transform that draws', () => {
  it.each(golden.random)('gives what torchvision gives, as often: $transform', async (row) => {
    const n = 12 * row.outcomes.length + 400;
    const results = await many(pixels(row.image, noisy), row.image, row.transform, n);
    const counts = new Map(row.outcomes.map(([result]) => [result, 0]));
    for (const { pixels: bytes } of results) {
      const result = sha(bytes);
      expect(counts.has(result)).toBe(true);
      counts.set(result, (counts.get(result) ?? 0) + 1);
    }
    const chi2 = row.outcomes.reduce((sum, [result, p]) => {
      return sum + ((counts.get(result) ?? 0) - n * p) ** 2 / (n * p);
    }, 0);
    const freedom = row.outcomes.length - 1;
    expect(chi2).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom));
  });

  it('gives the same for the same index, and something else for another', async () => {
    const image = pixels([30, 30], noisy);
    const run = (index: number): Promise<Result> =>
      transformed(
        image,
        [
          { kind: 'randomResizedCrop', size: 16 },
          { kind: 'lighting' },
          { kind: 'randomErasing', value: 'random', p: 1 },
        ],
        index,
        [30, 30],
      );
    expect(await run(5)).toEqual(await run(5));
    expect(sha((await run(5)).pixels)).not.toBe(sha((await run(6)).pixels));
  });
});

/** Deciles of drawn boxes [h, w] in an image of 256 x 256. */
function deciles(boxes: readonly Extent[]): Deciles {
  const tenths = (values: number[]): number[] => {
    const sorted = values.toSorted((a, b) => a - b);
    return Array.from({ length: 9 }, (_, i) => sorted[Math.round(((i + 1) / 10) * sorted.length)] ?? 0);
  };
  return {
    area: tenths(boxes.map(([h, w]) => (h * w) / 256 / 256)),
    ratio: tenths(boxes.map(([h, w]) => Math.log(h / w))),
  };
}

/** Deciles agree within 8 % of their spread. */
function expectClose(found: Deciles, wanted: Deciles): void {
  for (const key of ['area', 'ratio'] as const) {
    const [first = 0, last = 0] = [wanted[key][0], wanted[key].at(-1)];
    const apart = found[key].map((value, i) => Math.abs(value - (wanted[key][i] ?? Number.NaN)));
    expect(Math.max(...apart)).toBeLessThan(0.08 * (last - first));
  }
}

describe('boxes', () => {
  const size: Extent = [256, 256];
  const n = 1500;

  it('are cut out as randomResizedCrop of torchvision does', async () => {
    const places = pixels(size, (x, y, c) => [x, y, 0][c] ?? 0);
    const crop: TransformInput = [{ kind: 'randomResizedCrop', size: 2, interpolation: 'nearest' }];
    const results = await many(places, size, crop, n);
    const boxes = results.map(({ pixels: p }): Extent => {
      const at = (i: number): number => p[i] ?? Number.NaN;
      // the centres of two pixels of the two are half the box apart
      return [2 * (at(10) - at(1)), 2 * (at(9) - at(0))];
    });
    expectClose(deciles(boxes), golden.boxes.randomResizedCrop);
  });

  it('are erased as randomErasing of torchvision does, to the mean of the normalisation', async () => {
    const results = await many(new Uint8Array(256 * 256 * 3), size, [{ kind: 'randomErasing' }], n);
    const erased = results.flatMap(({ pixels: p }): Extent[] => {
      const bytes = Buffer.from(p.buffer);
      const [first, last] = [bytes.indexOf(124) / 3, (bytes.lastIndexOf(104) - 2) / 3];
      if (first < 0) return [];
      return [[Math.floor(last / 256) - Math.floor(first / 256) + 1, (last % 256) - (first % 256) + 1]];
    });
    expect(Math.abs(erased.length / n - 0.5)).toBeLessThan(0.05);
    expectClose(deciles(erased), golden.boxes.randomErasing);
  });

  it('are filled with the mean, noise about it, or a level', async () => {
    const fill = async (value: 'mean' | 'random' | number): Promise<number[][]> => {
      const op = { kind: 'randomErasing', p: 1, scale: [0.9, 0.95], ratio: [1, 1], value } as const;
      const { pixels: p } = await transformed(new Uint8Array(256 * 256 * 3), [op], 3, size);
      const start = 3 * (128 * 256 + 64);
      return Array.from({ length: 128 }, (_, i) => [...p.subarray(start + 3 * i, start + 3 * i + 3)]);
    };
    expect(new Set((await fill('mean')).map(String))).toEqual(new Set(['124,116,104']));
    expect(new Set((await fill(200)).map(String))).toEqual(new Set(['200,200,200']));
    const reds = (await fill('random')).map(([red = 0]) => red);
    const average = reds.reduce((a, b) => a + b, 0) / reds.length;
    const deviation = Math.sqrt(reds.reduce((s, v) => s + (v - average) ** 2, 0) / reds.length);
    expect(Math.abs(average - 255 * 0.485)).toBeLessThan(20);
    expect(Math.abs(deviation - 255 * 0.229)).toBeLessThan(15);
  });

  it('of cutout are squares around every pixel, cut off at the border', async () => {
    const results = await many(new Uint8Array(32 * 32 * 3), [32, 32], [{ kind: 'cutout', size: 8 }], n);
    const areas = results.map(({ pixels: p }) => p.reduce((sum, v) => sum + (v > 0 ? 1 : 0), 0) / 3);
    expect(Math.max(...areas)).toBe(64);
    expect(Math.min(...areas)).toBe(16);
    // Of 8 columns 4 are lost around column 0, 3 around column 1, …: (32 · 8 - 16) / 32 on average.
    expect(areas.reduce((a, b) => a + b, 0) / n).toBeCloseTo(((32 * 8 - 16) / 32) ** 2, 0);
  });
});

describe('noise', () => {
  /** Mean and deviation of one channel over many draws. */
  async function moments(transform: TransformInput, c: number): Promise<readonly [number, number]> {
    const results = await many(Uint8Array.of(128, 128, 128), [1, 1], transform, 3000);
    const values = results.map(({ pixels: p }) => p[c] ?? Number.NaN);
    const average = values.reduce((a, b) => a + b, 0) / values.length;
    return [average, Math.sqrt(values.reduce((s, v) => s + (v - average) ** 2, 0) / values.length)];
  }

  it('of lighting has the variance of its components', async () => {
    const red = [-0.5675 * 0.2175, 0.7192 * 0.0188, 0.4009 * 0.0045];
    const [average, deviation] = await moments([{ kind: 'lighting', std: 0.2 }], 0);
    expect(Math.abs(average - 128)).toBeLessThan(0.5);
    expect(deviation / (0.2 * 255 * Math.hypot(...red))).toBeCloseTo(1, 1);
  });
});

describe('a JPEG file', () => {
  const size: Extent = [192, 256];
  const smooth: Levels = (x, y, c) => Math.round(128 + 100 * Math.sin(x / 40 + c) * Math.cos(y / 30));
  const file = (): Promise<Buffer> =>
    sharp(pixels(size, smooth), { raw: { width: 256, height: 192, channels: 3 } })
      .jpeg({ quality: 95 })
      .toBuffer();

  it('is evaluated exactly: as all of its pixels would be', async () => {
    const jpeg = await file();
    const whole = await transformed(jpeg, []);
    for (const [resize, crop] of [
      [100, 88],
      [220, 64],
      [40, 50],
    ] as const) {
      const ops: TransformInput = [
        { kind: 'resize', size: resize },
        { kind: 'centerCrop', size: crop },
      ];
      expect(await transformed(jpeg, ops)).toEqual(await transformed(whole.pixels, ops, 0, size));
    }
  });

  it.each<[string, TransformInput]>([
    ['resize', [{ kind: 'resize', size: 40, scaledDecode: true }]],
    [
      'resize and crop',
      [
        { kind: 'resize', size: 40, scaledDecode: true },
        { kind: 'centerCrop', size: 30 },
      ],
    ],
    ['randomResizedCrop', [{ kind: 'randomResizedCrop', size: 24, scale: [0.3, 1], scaledDecode: true }]],
  ])('is much the same when decoded at a lower resolution: %s', async (_, scaled) => {
    const jpeg = await file();
    const exact = scaled.map((op) => ('scaledDecode' in op ? { ...op, scaledDecode: false } : op));
    for (const index of [0, 1, 2, 3, 4]) {
      const low = await transformed(jpeg, scaled, index);
      const full = await transformed(jpeg, exact, index);
      expect(distance(low.pixels, full.pixels)).toBeLessThan(6);
      expect(sha(low.pixels)).not.toBe(sha(full.pixels)); // else nothing was scaled
    }
  });
});

describe('what cannot be', () => {
  it.each<[string, TransformInput, Extent]>([
    ['a random crop larger than the image', [{ kind: 'randomCrop', size: 9 }], [8, 20]],
    ['an image too long to be resized', [{ kind: 'resize', size: 16_383 }], [1, 30]],
  ])('is an error of the image: %s', async (_, transform, size) => {
    expect(await codeOf(transformed(pixels(size, noisy), transform, 0, size))).toBe('ERR_IMAGE');
  });

  it.each<[string, object]>([
    ['an unknown operation', { kind: 'swirl' }],
    ['bits that would shift too far', { kind: 'posterize', bits: 40 }],
    ['a size of 0', { kind: 'centerCrop', size: 0 }],
    ['a huge size', { kind: 'centerCrop', size: 1e9 }],
    ['an unknown filter', { kind: 'resize', size: 4, interpolation: 'sinc', scaledDecode: false }],
    ['a magnitude beyond the bins', { kind: 'randAugment', numOps: 1, magnitude: 9, bins: 5 }],
  ])('is refused again by the native side: %s', async (_, op) => {
    const spec = { transform: [op], mean, std, seed: 0, epoch: 0, index: 0, decoding };
    const raw = { height: 1, width: 1, channels: 3 };
    const call = async (): Promise<unknown> => addon().transformImage(new Uint8Array(3), { ...spec, ...raw });
    expect(await codeOf(call())).toBe('ERR_CONFIG');
  });
});
