import { describe, expect, it } from 'vitest';
import { Batcher, type Limits } from '../../src/serve/batcher.ts';
import type { Engine, Submitted } from '../../src/serve/job.ts';
import { Recorder } from '../../src/serve/statistics.ts';
import { codeOf } from '../support/failures.ts';

/** An engine whose work ends when the test says so; the logits of an image are its number, and 100 more. */
class Bench implements Engine<number> {
  readonly batches: number[][] = [];
  readonly decoding: number[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #files = new Map<number, (error?: Error) => void>();

  decode(image: number): Promise<Uint8Array> {
    this.decoding.push(image);
    return new Promise((resolve, reject) => {
      this.#files.set(image, (error) => (error ? reject(error) : resolve(Uint8Array.of(image))));
    });
  }

  compute(pixels: readonly Uint8Array[]): Promise<Float32Array> {
    const images = pixels.map(([image = -1]) => image);
    this.batches.push(images);
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(Float32Array.from(images.flatMap((image) => [image, image + 100]))));
    });
  }

  /** Ends the decoding of a file. */
  async decoded(image: number, error?: Error): Promise<void> {
    this.#files.get(image)?.(error);
    await settled();
  }

  /** Ends the computing of a batch. */
  async computed(): Promise<void> {
    this.#waiting.shift()?.();
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const pixels = (...images: number[]): Submitted<number>[] =>
  images.map((image) => ({ image, pixels: Uint8Array.of(image), name: `${image}` }));
const files = (...images: number[]): Submitted<number>[] =>
  images.map((image) => ({ image, pixels: null, name: `${image}` }));

function batcher(limits: Partial<Limits> = {}): Batcher<number> {
  return new Batcher(
    { maxBatch: 4, maxDelayMs: 0, maxQueue: 8, decoders: 2, replicas: 1, ...limits },
    new Recorder(),
  );
}

describe('a batcher', () => {
  it('computes a request that finds the machine idle before it returns', () => {
    const bench = new Bench();
    void batcher().submit(bench, pixels(1));
    expect(bench.batches).toEqual([[1]]);
  });

  it('makes the next batch of what comes meanwhile, in order and up to its size', async () => {
    const bench = new Bench();
    const queue = batcher();
    const answers = [1, 2, 3, 4, 5, 6].map((image) => queue.submit(bench, pixels(image)));
    expect(bench.batches).toEqual([[1]]);
    expect(queue.load).toEqual({ waiting: 5, computing: 1 });
    await bench.computed();
    await bench.computed();
    await bench.computed();
    expect(bench.batches).toEqual([[1], [2, 3, 4, 5], [6]]);
    const rows = (await Promise.all(answers)).map(([row]) => Array.from(row ?? []));
    expect(rows).toEqual([1, 2, 3, 4, 5, 6].map((image) => [image, image + 100]));
    expect(queue.load).toEqual({ waiting: 0, computing: 0 });
  });

  it('computes as many batches at a time as there are replicas', async () => {
    const bench = new Bench();
    const queue = batcher({ replicas: 2, maxBatch: 2 });
    const answers = [1, 2, 3, 4, 5].map((image) => queue.submit(bench, pixels(image)));
    expect(bench.batches).toEqual([[1], [2]]);
    expect(queue.load).toEqual({ waiting: 3, computing: 2 });
    await bench.computed();
    expect(bench.batches).toEqual([[1], [2], [3, 4]]);
    expect(queue.load).toEqual({ waiting: 1, computing: 3 });
    await bench.computed();
    expect(bench.batches).toEqual([[1], [2], [3, 4], [5]]);
    await bench.computed();
    await bench.computed();
    expect((await Promise.all(answers)).map(([row]) => row?.[0])).toEqual([1, 2, 3, 4, 5]);
    expect(queue.load).toEqual({ waiting: 0, computing: 0 });
    await queue.drain();
  });

  it('goes on with every replica after a batch that failed', async () => {
    const bench = new Bench();
    const fails = { decode: bench.decode, compute: () => Promise.reject(new Error('x')) };
    const queue = batcher({ replicas: 2, maxBatch: 1 });
    const failed = [1, 2].map((image) =>
      queue.submit(fails, pixels(image)).catch((error: Error) => error.message),
    );
    expect(await Promise.all(failed)).toEqual(['x', 'x']);
    for (const image of [3, 4, 5]) void queue.submit(bench, pixels(image));
    expect(bench.batches).toEqual([[3], [4]]);
  });

  it('computes the files of one request together, as if it were alone', async () => {
    const bench = new Bench();
    const answer = batcher({ decoders: 3 }).submit(bench, files(1, 2, 3));
    await bench.decoded(2);
    await bench.decoded(3);
    expect(bench.batches).toEqual([]);
    await bench.decoded(1);
    expect(bench.batches).toEqual([[1, 2, 3]]);
    await bench.computed();
    expect((await answer).map(([first]) => first)).toEqual([1, 2, 3]);
  });

  it('cuts a request of more images than a batch, and decodes the rest beside the computing', async () => {
    const bench = new Bench();
    const answer = batcher({ maxBatch: 2, decoders: 2 }).submit(bench, files(1, 2, 3, 4));
    await bench.decoded(1);
    await bench.decoded(2);
    expect(bench.batches).toEqual([[1, 2]]);
    await bench.decoded(4);
    await bench.decoded(3);
    await bench.computed();
    await bench.computed();
    expect(bench.batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect((await answer).map(([first]) => first)).toEqual([1, 2, 3, 4]);
  });

  it('decodes so many files at a time, while others compute', async () => {
    const bench = new Bench();
    const queue = batcher();
    for (const image of [1, 2, 3, 4]) void queue.submit(bench, files(image));
    expect(bench.decoding).toEqual([1, 2]);
    await bench.decoded(1);
    expect(bench.batches).toEqual([[1]]);
    expect(bench.decoding).toEqual([1, 2, 3]);
    await bench.decoded(3);
    await bench.decoded(2);
    await bench.computed();
    expect(bench.batches).toEqual([[1], [3, 2]]);
  });

  it('holds an image back for others up to its delay, and a full batch not at all', async () => {
    const bench = new Bench();
    const queue = batcher({ maxBatch: 2, maxDelayMs: 60_000 });
    void queue.submit(bench, pixels(1));
    expect(bench.batches).toEqual([]);
    void queue.submit(bench, pixels(2));
    expect(bench.batches).toEqual([[1, 2]]);
    await bench.computed();
    const other = batcher({ maxDelayMs: 5 });
    const answer = other.submit(bench, pixels(3));
    while (bench.batches.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    await bench.computed();
    expect((await answer).length).toBe(1);
  });

  it('never mixes the images of two engines in a batch', async () => {
    const [old, fresh] = [new Bench(), new Bench()];
    const queue = batcher();
    void queue.submit(old, pixels(1));
    void queue.submit(old, pixels(2));
    void queue.submit(fresh, pixels(3));
    await old.computed();
    expect([old.batches, fresh.batches]).toEqual([[[1], [2]], []]);
    await old.computed();
    expect(fresh.batches).toEqual([[3]]);
  });

  it('fails a request with its first bad file, and nothing else', async () => {
    const bench = new Bench();
    const queue = batcher({ decoders: 3 });
    const bad = queue.submit(bench, files(1, 2)).catch((error: Error) => error.message);
    const good = queue.submit(bench, files(3));
    await bench.decoded(1, new Error('torn'));
    expect(await bad).toBe('torn');
    expect(queue.load.waiting).toBe(1);
    await bench.decoded(2);
    await bench.decoded(3);
    await bench.computed();
    expect(bench.batches).toEqual([[3]]);
    expect((await good).length).toBe(1);
  });

  it('fails all requests of a batch that fails, and computes the next', async () => {
    const bench = new Bench();
    const broken: Engine<number> = {
      ...bench,
      decode: bench.decode,
      compute: () => Promise.reject(new Error('x')),
    };
    const queue = batcher();
    const failed = queue.submit(broken, pixels(1)).catch((error: Error) => error.message);
    const next = queue.submit(bench, pixels(2));
    expect(await failed).toBe('x');
    await bench.computed();
    expect((await next).length).toBe(1);
  });
});

describe('a full queue', () => {
  it('refuses at once with ERR_BUSY, and takes images again once there is room', async () => {
    const bench = new Bench();
    const queue = batcher({ maxQueue: 2, maxBatch: 1 });
    for (const image of [1, 2, 3]) void queue.submit(bench, pixels(image));
    expect(await codeOf(async () => queue.submit(bench, pixels(4)))).toBe('ERR_BUSY');
    await bench.computed();
    expect(await codeOf(async () => queue.submit(bench, pixels(5, 6)))).toBe('ERR_BUSY');
    void queue.submit(bench, pixels(7));
    expect(queue.load.waiting).toBe(2);
  });

  it('refuses more images than it ever has room for with ERR_TOO_LARGE', async () => {
    const queue = batcher({ maxQueue: 2 });
    expect(await codeOf(async () => queue.submit(new Bench(), pixels(1, 2, 3)))).toBe('ERR_TOO_LARGE');
  });
});

describe('an aborted request', () => {
  const aborted = { title: 'before it begins', when: 'before' } as const;
  it(`ends ${aborted.title} with ERR_ABORTED, and nothing computes`, async () => {
    const bench = new Bench();
    expect(await codeOf(async () => batcher().submit(bench, pixels(1), AbortSignal.abort()))).toBe(
      'ERR_ABORTED',
    );
    expect(bench.batches).toEqual([]);
  });

  it('leaves the queue, whether its files are decoded or not', async () => {
    const bench = new Bench();
    const queue = batcher({ decoders: 1 });
    const controller = new AbortController();
    void queue.submit(bench, pixels(1));
    const gone = [files(2, 3), pixels(4)].map((images) =>
      codeOf(queue.submit(bench, images, controller.signal)),
    );
    const next = queue.submit(bench, pixels(5));
    controller.abort();
    expect(await Promise.all(gone)).toEqual(['ERR_ABORTED', 'ERR_ABORTED']);
    expect(queue.load.waiting).toBe(1);
    await bench.decoded(2);
    await bench.computed();
    await bench.computed();
    expect((await next).length).toBe(1);
    expect([bench.batches, bench.decoding]).toEqual([[[1], [5]], [2]]);
  });

  it('is not waited for while it computes, and the others of its batch have their answers', async () => {
    const bench = new Bench();
    const queue = batcher();
    const controller = new AbortController();
    void queue.submit(bench, pixels(0));
    const gone = codeOf(queue.submit(bench, pixels(1), controller.signal));
    const other = queue.submit(bench, pixels(2));
    await bench.computed();
    controller.abort('gone');
    expect(await gone).toBe('ERR_ABORTED');
    await bench.computed();
    expect(Array.from((await other)[0] ?? [])).toEqual([2, 102]);
  });
});

describe('draining', () => {
  it('answers what was taken, at once though a delay goes on, and refuses what comes', async () => {
    const bench = new Bench();
    const queue = batcher({ maxDelayMs: 60_000 });
    const answers = [queue.submit(bench, pixels(1)), queue.submit(bench, files(2))];
    let drained = false;
    const done = queue.drain().then(() => {
      drained = true;
    });
    expect(await codeOf(async () => queue.submit(bench, pixels(3)))).toBe('ERR_CLOSED');
    await bench.computed();
    await bench.decoded(2);
    expect(drained).toBe(false);
    await bench.computed();
    expect((await Promise.all(answers)).length).toBe(2);
    await done;
  });

  it('ends at once when there is nothing', async () => {
    await batcher().drain();
  });
});
