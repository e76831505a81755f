/** Random erasing as timm has it beside torchvision's: several rectangles, and one random colour. */
import { describe, expect, it } from 'vitest';
import '../../support/addon.ts';
import { type Extent, many } from '../../support/files/transformed.ts';

const size: Extent = [100, 100];
const area = { p: 1, scale: [0.1, 0.1], ratio: [1, 1] } as const;

describe('random erasing', () => {
  it('fills up to count rectangles, which share the area', async () => {
    const n = 400;
    const op = { kind: 'randomErasing', ...area, value: 255, count: 2 } as const;
    const filled = (await many(new Uint8Array(30_000), size, [op], n)).map(
      ({ pixels }) => pixels.reduce((sum, level) => sum + level, 0) / 255 / 3,
    );
    // One of round(sqrt(1000))² pixels, or two of round(sqrt(500))², which may overlap; either half the time.
    const one = filled.filter((pixels) => pixels === 32 ** 2).length;
    expect(filled.every((pixels) => pixels === 32 ** 2 || (pixels >= 22 ** 2 && pixels <= 2 * 22 ** 2))).toBe(
      true,
    );
    expect(Math.max(...filled.filter((pixels) => pixels !== 32 ** 2))).toBe(2 * 22 ** 2);
    expect(Math.abs(one - n / 2)).toBeLessThan(4 * Math.sqrt(n / 4));
  });

  it('fills with one colour by the law of the normalisation, another for every image', async () => {
    const n = 400;
    const op = { kind: 'randomErasing', ...area, value: 'color' } as const;
    const white = new Uint8Array(30_000).fill(1);
    const reds: number[] = [];
    for (const { pixels } of await many(white, size, [op], n)) {
      const colours = new Set<string>();
      for (let i = 0; i < pixels.length; i += 3) colours.add(pixels.subarray(i, i + 3).join());
      colours.delete('1,1,1');
      expect(colours.size).toBe(1);
      reds.push(Number([...colours][0]?.split(',')[0]));
    }
    const average = reds.reduce((a, b) => a + b) / n;
    const deviation = Math.sqrt(reds.reduce((sum, v) => sum + (v - average) ** 2, 0) / n);
    // N(0.485, 0.229²) of 255; cut off at 0 and 255, which moves it by less than a level.
    expect(Math.abs(average - 255 * 0.485)).toBeLessThan(4 * ((255 * 0.229) / Math.sqrt(n)) + 1);
    expect(Math.abs(deviation - 255 * 0.229)).toBeLessThan(4 * ((255 * 0.229) / Math.sqrt(2 * n)) + 2);
  });
});
