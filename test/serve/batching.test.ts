/** What sharing batches costs, in a virtual time: decoding takes d, a batch of n images a + c·n. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Batcher, type Limits } from '../../src/serve/batcher.ts';
import type { Engine, Submitted } from '../../src/serve/job.ts';
import { Recorder } from '../../src/serve/statistics.ts';
import { noiseBytes } from '../support/noise.ts';
import { openedTiny } from './support.ts';

interface Costs {
  readonly decode: number;
  readonly batch: number;
  readonly image: number;
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function engineOf({ decode, batch, image }: Costs): Engine<number> {
  return {
    decode: async (number) => {
      await after(decode);
      return Uint8Array.of(number);
    },
    compute: async (pixels) => {
      await after(batch + image * pixels.length);
      return Float32Array.from(pixels, ([number = -1]) => number);
    },
  };
}

/** When each of the requests, which come at these times, has its answer. */
async function ends(
  costs: Costs,
  limits: Partial<Limits>,
  requests: readonly { readonly at: number; readonly images: readonly Submitted<number>[] }[],
): Promise<number[]> {
  const start = performance.now();
  const all = { maxBatch: 64, maxDelayMs: 0, maxQueue: 1000, decoders: 2, replicas: 1, ...limits };
  const batcher = new Batcher<number>(all, new Recorder());
  const engine = engineOf(costs);
  const answers = requests.map(async ({ at, images }) => {
    await after(at);
    const rows = await batcher.submit(engine, images);
    expect(rows.map(([number]) => number)).toEqual(images.map(({ image }) => image));
    return performance.now() - start;
  });
  await vi.runAllTimersAsync();
  return Promise.all(answers);
}

const image = (i: number, isFile: boolean): Submitted<number> => ({
  image: i % 256,
  name: `${i}`,
  pixels: isFile ? null : Uint8Array.of(i % 256),
});
const calls = (count: number, isFile: boolean, at: (i: number) => number = () => 0) =>
  Array.from({ length: count }, (_, i) => ({ at: at(i), images: [image(i, isFile)] }));

const costs = fc.record({
  decode: fc.integer({ min: 0, max: 20 }),
  batch: fc.integer({ min: 0, max: 20 }),
  image: fc.integer({ min: 1, max: 20 }),
});

describe('calls in parallel', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('of 50 take no longer than one batch of 50 and the call that found the machine idle', async () => {
    await fc.assert(
      fc.asyncProperty(costs, async (cost) => {
        const last = Math.max(...(await ends(cost, {}, calls(50, false))));
        const one = { at: 0, images: Array.from({ length: 50 }, (_, i) => image(i, false)) };
        const [whole = 0] = await ends(cost, {}, [one]);
        expect(last).toBe(whole + cost.batch); // the images are the same: 1 + 49
      }),
    );
  });

  it('never take longer than one after the other, whatever they cost and whenever they come', async () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 40 });
    const limits = fc.record({
      maxBatch: fc.integer({ min: 1, max: 64 }),
      decoders: fc.integer({ min: 1, max: 4 }),
      replicas: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(costs, gaps, limits, fc.boolean(), async (cost, between, limit, isFile) => {
        const times = between.map((_, i) => between.slice(0, i).reduce((a, b) => a + b, 0));
        const last = Math.max(
          ...(await ends(
            cost,
            limit,
            calls(times.length, isFile, (i) => times[i] ?? 0),
          )),
        );
        const alone = (isFile ? cost.decode : 0) + cost.batch + cost.image;
        const oneByOne = times.reduce((free, at) => Math.max(free, at) + alone, 0);
        expect(last).toBeLessThanOrEqual(oneByOne);
      }),
    );
  });

  it('one alone waits for nothing', async () => {
    await fc.assert(
      fc.asyncProperty(costs, fc.boolean(), async (cost, isFile) => {
        const [end] = await ends(cost, {}, calls(1, isFile));
        expect(end).toBe((isFile ? cost.decode : 0) + cost.batch + cost.image);
      }),
    );
  });
});

describe('50 calls of a classifier at once', () => {
  it('are two batches: the one that found it idle, and all others', async () => {
    const classifier = await openedTiny({ maxBatch: 64 });
    await Promise.all(Array.from({ length: 50 }, (_, i) => classifier.classify(noiseBytes(64, i))));
    expect(classifier.stats().batches).toEqual({ count: 2, meanSize: 25, sizes: { 1: 1, 49: 1 } });
  });
});
