/** The model of one checkpoint at work, until the last request that it took has its answer. */

import { defaultReplicas } from '../cores.ts';
import { expected } from '../errors.ts';
import { preprocess } from '../images/readImage.ts';
import type { ModelInput } from '../loading/modelInput.ts';
import { ampFor } from '../model/amp.ts';
import { copyOf, coreOf, Model } from '../model/model.ts';
import { outputOf } from '../model/predict.ts';
import { must } from '../must.ts';
import type { Amp } from '../native/binding.ts';
import { native } from '../native/load.ts';
import type { GivenImage } from './givenImage.ts';
import type { Engine } from './job.ts';
import type { Serving } from './options.ts';

/** A model that serves. */
export class ModelEngine implements Engine<GivenImage> {
  /** What all replicas are; it computes where it is the only one. */
  readonly model: Model;
  readonly input: ModelInput;
  /** Type of its convolutions and linear layers. */
  readonly amp: Amp;
  readonly #maxPixels: number;
  readonly #replicas: readonly Model[];
  /** Replicas that do not compute now. */
  readonly #idle: Model[];
  /** Requests that it still answers, and one for being in use. */
  #users = 1;

  private constructor(model: Model, replicas: readonly Model[], { amp, maxPixels }: Serving) {
    this.model = model;
    this.input = model.input;
    this.amp = ampFor(amp, model);
    this.#maxPixels = maxPixels;
    this.#replicas = replicas;
    this.#idle = [...replicas];
  }

  /**
   * Loads a checkpoint, and computes once with every replica, so that the first request meets a model that is
   * ready.
   *
   * @throws as `Model.load`; ERR_CONFIG for a type that the model cannot compute in, or weights that it
   *   lacks.
   */
  static async open(checkpoint: string, serving: Serving): Promise<ModelEngine> {
    const { device, weights } = serving;
    sleepSoon();
    const model = await Model.load(checkpoint, { device, weights });
    const replicas = [model];
    try {
      const { replicas: count = defaultReplicas(native().info().threads, model.device) } = serving;
      if (count > 1) await replicate(model, count, replicas);
      const engine = new ModelEngine(model, replicas, serving);
      const { channels, height, width } = engine.input;
      const pixels = new Uint8Array(height * width * channels);
      await Promise.all(replicas.map(() => engine.compute([pixels])));
      return engine;
    } catch (error) {
      await Promise.all([model, ...replicas].map((one) => one.close()));
      throw error;
    }
  }

  /** Batches that compute at a time. */
  get replicas(): number {
    return this.#replicas.length;
  }

  /** Another request uses it. */
  retain(): void {
    this.#users++;
  }

  /** A request has its answer, or another checkpoint took its place: the last one closes the model. */
  release(): void {
    if (--this.#users === 0) for (const replica of this.#replicas) void replica.close();
  }

  /** Pixels, uint8 [height, width, channels], decoded on native threads. */
  async decode(image: GivenImage, name: string): Promise<Uint8Array> {
    if (image.kind === 'pixels') return image.pixels;
    const { height, width } = this.input;
    const found = await preprocess(await image.bytes(), this.input, { maxPixels: this.#maxPixels }, name);
    if (found.height === height && found.width === width) return found.pixels;
    const what = `a transform to ${height} x ${width} in the checkpoint`;
    throw expected('ERR_CHECKPOINT', what, name, [found.height, found.width]);
  }

  /** Logits of images, float32 [n, classes]; as many calls at a time as there are replicas. */
  async compute(pixels: readonly Uint8Array[]): Promise<Float32Array> {
    const { height, width } = this.input;
    const [first = new Uint8Array()] = pixels;
    const all = pixels.length === 1 ? first : Buffer.concat(pixels);
    const replica = must(this.#idle.pop());
    try {
      const batch = { pixels: all, n: pixels.length, height, width };
      return await outputOf(coreOf(replica), batch, { weights: 'value', amp: this.amp });
    } finally {
      this.#idle.push(replica);
    }
  }
}

/**
 * Threads of OpenMP's team spin before they sleep, and the event loop waits for their core: less long than
 * suits trainings (native/opener.cc). It counts where libtorch is not open yet, and the user's own settings
 * stay.
 */
function sleepSoon(): void {
  if (process.env.OMP_WAIT_POLICY === undefined) process.env.GOMP_SPINCOUNT ??= '500';
}

/** Puts replicas, each with a compute thread of its own and its part of all, in the place of a model. */
async function replicate(model: Model, count: number, replicas: Model[]): Promise<void> {
  const threads = Math.max(1, Math.floor(native().info().threads / count));
  replicas.length = 0;
  for (let lane = 1; lane <= count; lane++) replicas.push(await copyOf(model, { lane, threads }));
  await model.close();
}
