/** The model of one checkpoint at work, until the last request that it took has its answer. */

import { expected } from '../errors.ts';
import { preprocess } from '../images/readImage.ts';
import type { ModelInput } from '../loading/modelInput.ts';
import { ampFor } from '../model/amp.ts';
import { coreOf, Model } from '../model/model.ts';
import { outputOf } from '../model/predict.ts';
import type { Amp } from '../native/binding.ts';
import type { GivenImage } from './givenImage.ts';
import type { Engine } from './job.ts';
import type { Serving } from './options.ts';

/** A model that serves. */
export class ModelEngine implements Engine<GivenImage> {
  readonly model: Model;
  readonly input: ModelInput;
  /** Type of its convolutions and linear layers. */
  readonly amp: Amp;
  readonly #serving: Serving;
  /** Requests that it still answers, and one for being in use. */
  #users = 1;

  private constructor(model: Model, serving: Serving) {
    this.model = model;
    this.input = model.input;
    this.amp = ampFor(serving.amp, model);
    this.#serving = serving;
  }

  /**
   * Loads a checkpoint, and computes once, so that the first request meets a model that is ready.
   *
   * @throws as `Model.load`; ERR_CONFIG for a type that the model cannot compute in, or weights that it
   *   lacks.
   */
  static async open(checkpoint: string, serving: Serving): Promise<ModelEngine> {
    const model = await Model.load(checkpoint, { device: serving.device });
    try {
      const engine = new ModelEngine(model, serving);
      const { channels, height, width } = engine.input;
      await engine.compute([new Uint8Array(height * width * channels)]);
      return engine;
    } catch (error) {
      await model.close();
      throw error;
    }
  }

  /** Another request uses it. */
  retain(): void {
    this.#users++;
  }

  /** A request has its answer, or another checkpoint took its place: the last one closes the model. */
  release(): void {
    if (--this.#users === 0) void this.model.close();
  }

  /** Pixels, uint8 [height, width, channels], decoded on native threads. */
  async decode(image: GivenImage, name: string): Promise<Uint8Array> {
    if (image.kind === 'pixels') return image.pixels;
    const { height, width } = this.input;
    const { maxPixels } = this.#serving;
    const found = await preprocess(await image.bytes(), this.input, { maxPixels }, name);
    if (found.height === height && found.width === width) return found.pixels;
    const what = `a transform to ${height} x ${width} in the checkpoint`;
    throw expected('ERR_CHECKPOINT', what, name, [found.height, found.width]);
  }

  /** Logits of images, float32 [n, classes]. */
  compute(pixels: readonly Uint8Array[]): Promise<Float32Array> {
    const { height, width } = this.input;
    const { weights } = this.#serving;
    const [first = new Uint8Array()] = pixels;
    const all = pixels.length === 1 ? first : Buffer.concat(pixels);
    return outputOf(
      coreOf(this.model),
      { pixels: all, n: pixels.length, height, width },
      { weights, amp: this.amp },
    );
  }
}
