import { describe, expect, it } from 'vitest';
import { channelStatistics, type ImageSetInput, imageSet } from '../../src/data/imageSet.ts';
import { codeOf } from '../support/failures.ts';

const base: ImageSetInput = {
  images: new Uint8Array(24).map((_, i) => i),
  labels: [0, 2],
  height: 2,
  width: 2,
  channels: 3,
};

describe('imageSet', () => {
  it('counts, names the classes by number, and does not copy the pixels', () => {
    const set = imageSet(base);
    expect(set).toMatchObject({
      name: 'memory',
      count: 2,
      classNames: ['0', '1', '2'],
      labels: new Int32Array([0, 2]),
    });
    expect(set.images).toBe(base.images);
  });

  it('takes views into larger arrays and clamped arrays', () => {
    const memory = new ArrayBuffer(100);
    const images = new Uint8ClampedArray(memory, 10, 24);
    images.fill(7);
    const set = imageSet({ ...base, images, labels: new Uint8Array([9, 0, 1, 9]).subarray(1, 3) });
    expect(set.images).toHaveLength(24);
    expect(set.images.every((x) => x === 7)).toBe(true);
    expect([...set.labels]).toEqual([0, 1]);
  });

  it.each<[string, Partial<ImageSetInput>, string]>([
    ['no labels', { labels: [], images: new Uint8Array(0) }, 'ERR_DATASET'],
    ['a wrong number of pixels', { images: new Uint8Array(23) }, 'ERR_DATASET'],
    ['a label out of range', { classNames: ['a', 'b'] }, 'ERR_DATASET'],
    ['a negative label', { labels: [0, -1] }, 'ERR_DATASET'],
    ['a label that is not whole', { labels: [0, 0.5] }, 'ERR_DATASET'],
    ['a label that is not a number', { labels: [0, Number.NaN] }, 'ERR_DATASET'],
    ['a label that is absurd', { labels: [0, 2 ** 31] }, 'ERR_DATASET'],
    ['pixels that are not bytes', { images: new Float32Array(24) as unknown as Uint8Array }, 'ERR_CONFIG'],
    ['a plain array of pixels', { images: [1, 2] as unknown as Uint8Array }, 'ERR_CONFIG'],
    ['two channels', { channels: 2 }, 'ERR_CONFIG'],
    ['no height', { height: 0 }, 'ERR_CONFIG'],
    ['a width that is not whole', { width: 1.5 }, 'ERR_CONFIG'],
    ['class names that repeat', { classNames: ['a', 'b', 'a'] }, 'ERR_CONFIG'],
    ['no class names', { classNames: [] }, 'ERR_CONFIG'],
  ])('refuses %s', async (_, change, code) => {
    expect(await codeOf(() => imageSet({ ...base, ...change }))).toBe(code);
  });

  it('refuses pixels whose memory was transferred away', async () => {
    const images = new Uint8Array(24);
    structuredClone(images.buffer, { transfer: [images.buffer] });
    expect(await codeOf(() => imageSet({ ...base, images }))).toBe('ERR_DATASET');
  });
});

describe('channelStatistics', () => {
  it('gives mean and population deviation of every channel, white being 1', () => {
    const images = new Uint8Array([0, 255, 51, 255, 255, 51]);
    const { mean, std } = channelStatistics(
      imageSet({ images, labels: [0, 0], height: 1, width: 1, channels: 3 }),
    );
    for (const [i, [m, s]] of [
      [0.5, 0.5],
      [1, 0],
      [0.2, 0],
    ].entries()) {
      expect(mean[i]).toBeCloseTo(m ?? -1, 12);
      expect(std[i]).toBeCloseTo(s ?? -1, 12);
    }
  });
});
