import { parseOptions } from '../check.ts';
import { availableCores } from '../cores.ts';
import { expected, LmError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { ModelInput } from '../loading/modelInput.ts';
import { type Prediction, predictions } from '../model/predictions.ts';
import { must } from '../must.ts';
import type { Dtype } from '../native/binding.ts';
import { called } from '../native/calls.ts';
import { init } from '../native/load.ts';
import { Batcher, type Limits } from './batcher.ts';
import { ModelEngine } from './engine.ts';
import {
  type ClassifierImage,
  fileInMemory,
  type GivenImage,
  givenImage,
  pixelsInMemory,
} from './givenImage.ts';
import type { Submitted } from './job.ts';
import {
  type ClassifierOptions,
  type ClassifyOptions,
  classifySchema,
  type Serving,
  servingSchema,
} from './options.ts';
import { type ClassifierPlan, planOf } from './plan.ts';
import { type ClassifierStats, type Observer, Recorder } from './statistics.ts';

/**
 * A trained network that answers many callers: images that come while others are computed form the next
 * batch, so that calls in parallel cost little more than one batch; a call that finds the machine idle runs
 * at once. Files are decoded on native threads meanwhile. Transform and class names are the checkpoint's.
 * Holds native memory: `close` it, or write `await using classifier = …`.
 *
 * @example
 * await using classifier = await Classifier.open('model.safetensors');
 * const { label, probability } = await classifier.classify('seven.png');
 */
export class Classifier {
  readonly #serving: Serving & Limits;
  readonly #plan: Omit<ClassifierPlan, 'amp'>;
  readonly #recorder = new Recorder();
  readonly #batcher: Batcher<GivenImage>;
  #engine: ModelEngine;
  #closing: Promise<void> | null = null;

  private constructor(engine: ModelEngine, serving: Serving) {
    const { maxQueue = Math.max(256, 8 * serving.maxBatch), decoders = availableCores() } = serving;
    const { replicas } = engine;
    this.#serving = { ...serving, maxQueue, decoders, replicas };
    this.#plan = planOf(serving, this.#serving, engine.model.device);
    this.#engine = engine;
    this.#batcher = new Batcher(this.#serving, this.#recorder);
  }

  /**
   * Opens a checkpoint and computes once, so that the first call meets a model that is ready.
   *
   * @throws ERR_CONFIG for a wrong option; as `Model.load`.
   * @example
   * const classifier = await Classifier.open('model.safetensors', { maxBatch: 64, maxQueue: 1000 });
   */
  static async open(checkpoint: string, options: ClassifierOptions = {}): Promise<Classifier> {
    const serving = parseOptions(servingSchema, options, 'classifier');
    if (serving.threads !== undefined) init({ threads: serving.threads });
    return new Classifier(await ModelEngine.open(checkpoint, serving), serving);
  }

  /** The network. */
  get graph(): Graph {
    return this.#engine.model.graph;
  }

  /** Size and normalisation of images, and what brings files to it. */
  get input(): ModelInput {
    return this.#engine.input;
  }

  get classNames(): readonly string[] {
    return this.#engine.model.classNames;
  }

  get device(): string {
    return this.#engine.model.device;
  }

  get dtype(): Dtype {
    return this.#engine.model.dtype;
  }

  /** How the machine is used, and why so. */
  get plan(): ClassifierPlan {
    return { ...this.#plan, amp: this.#engine.amp };
  }

  /** What image files may have, how many images share a batch, and how many may wait. @internal */
  get limits(): Pick<Serving & Limits, 'maxBytes' | 'maxPixels' | 'maxBatch' | 'maxQueue'> {
    return this.#serving;
  }

  /** True once `close` was called. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  /**
   * Classifies images as `Model.predict` does; calls may overlap, and share batches.
   *
   * @param images one, or a list: paths, the bytes of files, streams of these, or pixels, uint8 [height,
   *   width, channels] of the model's size.
   * @param options.topK guesses per image, default 5.
   * @param options.signal aborts: images that wait leave the queue.
   * @returns the best guess and the best `topK` of each image.
   * @throws ERR_BUSY at once when the queue has no room; ERR_ABORTED; ERR_IMAGE naming the image that cannot
   *   be decoded, ERR_TOO_LARGE for one of too many bytes, or more images than the queue holds; ERR_FILE,
   *   ERR_SHAPE, ERR_CONFIG, ERR_NOT_FINITE; ERR_CLOSED.
   * @example
   * const [cat, dog] = await classifier.classify(['cat.jpg', await readFile('dog.webp')], { topK: 3 });
   */
  classify(image: ClassifierImage, options?: ClassifyOptions): Promise<Prediction>;
  classify(images: readonly ClassifierImage[], options?: ClassifyOptions): Promise<Prediction[]>;
  classify(
    images: ClassifierImage | readonly ClassifierImage[],
    options: ClassifyOptions = {},
  ): Promise<Prediction | Prediction[]> {
    return called(this.classify, async () => {
      if (!Array.isArray(images))
        return must((await this.#classify([images as ClassifierImage], options))[0]);
      return this.#classify(images, options);
    });
  }

  async #classify(images: readonly ClassifierImage[], options: ClassifyOptions): Promise<Prediction[]> {
    const { topK, signal } = parseOptions(classifySchema, options, 'classify');
    const { input } = this;
    const { maxBytes } = this.#serving;
    const given = images.map((image, i) => {
      const name = typeof image === 'string' ? image : images.length === 1 ? 'image' : `images[${i}]`;
      return { name, image: givenImage(image, input, maxBytes, name) };
    });
    const { rows, classNames } = await this.#logits(given, signal);
    return rows.flatMap((row) => predictions(row, classNames, topK));
  }

  /** The logits of image files in memory, or of pixels, whatever they begin like. @internal */
  logitsOf(kind: GivenImage['kind'], images: readonly Uint8Array[], signal?: AbortSignal): Promise<Logits> {
    return called(this.logitsOf, async () => {
      const given = images.map((bytes, i) => {
        const name = images.length === 1 ? 'image' : `images[${i}]`;
        const image =
          kind === 'file'
            ? fileInMemory(bytes, this.#serving.maxBytes, name)
            : pixelsInMemory(bytes, this.input, name);
        return { name, image };
      });
      return this.#logits(given, signal);
    });
  }

  async #logits(
    given: readonly { readonly name: string; readonly image: GivenImage }[],
    signal: AbortSignal | undefined,
  ): Promise<Logits> {
    if (given.length === 0) throw expected('ERR_SHAPE', 'at least one image', 'images.length', 0);
    const engine = this.#engine;
    const submitted = given.map(
      ({ name, image }): Submitted<GivenImage> => ({
        name,
        image,
        pixels: image.kind === 'pixels' ? image.pixels : null,
      }),
    );
    engine.retain();
    try {
      const rows = await this.#batcher.submit(engine, submitted, signal);
      return { rows, classNames: engine.model.classNames };
    } finally {
      engine.release();
    }
  }

  /**
   * Takes another checkpoint: requests that were taken before are answered by the old one, later ones by the
   * new one, and none is dropped or waits for the loading.
   *
   * @throws as `Model.load`, for a torn or foreign file too; the old checkpoint then goes on. ERR_CLOSED.
   */
  async reload(checkpoint: string): Promise<void> {
    this.#checkOpen();
    const engine = await ModelEngine.open(checkpoint, this.#serving);
    if (this.#closing !== null) {
      engine.release();
      this.#checkOpen();
    }
    const old = this.#engine;
    this.#engine = engine;
    old.release();
  }

  /** How the machine is used; queue, batches and latencies since it was opened. */
  stats(): ClassifierStats & { readonly plan: ClassifierPlan } {
    const queue = { ...this.#batcher.load, limit: this.#serving.maxQueue };
    return { plan: this.plan, ...this.#recorder.stats(queue) };
  }

  /** Tells of every batch, image file and request; the result ends it. @internal */
  observe(observer: Observer): () => void {
    return this.#recorder.observe(observer);
  }

  /** Takes no more calls, answers those under way, and releases the native memory. */
  close(): Promise<void> {
    this.#closing ??= this.#batcher.drain().then(() => this.#engine.release());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#closing !== null)
      throw new LmError('ERR_CLOSED', 'The classifier was closed', { hint: 'Open another one.' });
  }
}

/** Logits of images, a row each, and the classes that they are of. */
export interface Logits {
  readonly rows: readonly Float32Array[];
  readonly classNames: readonly string[];
}
