/** Repeated augmentation: which images stand where, and what is drawn for the copies of one. */
import { describe, expect, it } from 'vitest';
import { type BatchesOptions, batches, type ImageBatch } from '../../src/data/batches.ts';
import { imageSet } from '../../src/data/imageSet.ts';
import { datasetOf } from '../../src/loading/images.ts';
import { parseTransform } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { noiseBytes } from '../support/noise.ts';

const count = 23;
const images = imageSet({
  images: noiseBytes(30 * count),
  labels: Array.from({ length: count }, (_, i) => i),
  height: 6,
  width: 5,
  channels: 1,
});
const set = datasetOf(images).with(
  parseTransform([{ kind: 'randomResizedCrop', size: [6, 5] }, { kind: 'horizontalFlip' }]),
);

async function passOver(options: BatchesOptions): Promise<ImageBatch[]> {
  const found: ImageBatch[] = [];
  for await (const batch of batches(set, { batch: 5, training: true, ...options })) found.push(batch);
  return found;
}

describe('a pass with repeated augmentation', () => {
  const order = async (options: BatchesOptions): Promise<number[]> =>
    (await passOver(options)).flatMap(({ indices }) => [...indices]);

  it('has every image so often in a row, in an epoch as long as without, as timm does', async () => {
    const plain = await order({});
    const wanted = Array.from(plain, (_, i) => plain[Math.floor(i / 3)]); // RepeatAugSampler
    expect(await order({ augRepeats: 3 })).toEqual(wanted);
    expect(await order({ augRepeats: 3, start: 2 })).toEqual(wanted.slice(10));
    const [first, second] = await Promise.all(
      [0, 1].map((rank) => order({ augRepeats: 3, worldSize: 2, rank })),
    );
    expect(first).toEqual(wanted.filter((_, i) => i % 2 === 0));
    expect(second).toEqual(wanted.filter((_, i) => i % 2 === 1));
  });

  it('draws for each copy of an image anew, and for the first as without', async () => {
    const pixelsOf = async (augRepeats: number): Promise<string[]> => {
      const pixels = Buffer.concat((await passOver({ augRepeats })).map((batch) => batch.pixels));
      return Array.from({ length: 20 }, (_, i) => pixels.toString('hex', 30 * i, 30 * (i + 1)));
    };
    const [plain, thrice] = [await pixelsOf(1), await pixelsOf(3)];
    for (const place of [0, 3, 6, 9]) {
      const copies = thrice.slice(place, place + 3);
      expect(copies[0]).toBe(plain[place / 3]);
      expect(new Set(copies).size).toBe(3);
    }
  });
});
