import { inspect } from 'node:util';
import { expected } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Images } from '../loading/images.ts';
import type { ModelInput } from '../loading/modelInput.ts';
import type { Dtype, Evaluation, NativeTensor, NativeVjp, TensorSet } from '../native/binding.ts';
import { called } from '../native/calls.ts';
import type { LoadReport } from './adapt.ts';
import type { Core } from './core.ts';
import { copy, create, type Lane, load } from './create.ts';
import { describe } from './describe.ts';
import { evaluate } from './evaluate.ts';
import { type FeatureName, features } from './features.ts';
import type { GivenImages } from './givenImages.ts';
import { inputOf } from './input.ts';
import type {
  EvaluateOptions,
  LoadOptions,
  ModelOptions,
  PredictOptions,
  SizeOptions,
  VjpOptions,
} from './options.ts';
import { logits, predict } from './predict.ts';
import type { Prediction } from './predictions.ts';
import { probe } from './probe.ts';
import { save } from './save.ts';
import { readTensor, writeTensor } from './tensors.ts';
import { close } from './training.ts';
import { vjp } from './vjp.ts';

/** What the functions of this folder work on. @internal */
export let coreOf: (model: Model) => Core;

/** A second model with the same weights and statistics, on the same device, in a lane. @internal */
export let copyOf: (model: Model, lane?: Lane) => Promise<Model>;

/**
 * A network with its weights: predicts, evaluates, trains (`train`), is saved and loaded. Holds native
 * memory: `close` it, or write `await using model = …`. Calls may overlap: they are queued, and run between
 * the steps of a training.
 *
 * @example
 * await using model = await Model.load('model.safetensors');
 * const [digit] = await model.predict('seven.png');
 * console.log(digit?.label, digit?.probability);
 */
export class Model {
  static {
    coreOf = (model) => {
      if (model instanceof Model) return model.#core;
      throw expected('ERR_CONFIG', 'a model', 'model', model);
    };
    // Not a method: declarations cannot name it.
    Object.defineProperty(Model.prototype, inspect.custom, {
      value(this: Model): string {
        return describe(this.#core);
      },
    });
    copyOf = async (model, lane) => new Model(await called(copyOf, () => copy(model.#core, lane)));
  }

  readonly graph: Graph;
  readonly dtype: Dtype;
  readonly device: string;
  /** What `load` took from the checkpoint and what begins anew; null for a model that was created. */
  readonly loaded: LoadReport | null;
  readonly #core: Core;

  private constructor(core: Core) {
    this.graph = core.graph;
    this.dtype = core.dtype;
    this.device = core.device;
    this.loaded = core.loaded;
    this.#core = core;
  }

  /**
   * A model with fresh weights.
   *
   * @throws ERR_CONFIG for a wrong option; ERR_DEVICE when the device is not there; ERR_LIBTORCH_NOT_FOUND,
   *   ERR_ADDON_MISSING.
   * @example
   * const model = await Model.create(preset('lm_resnet20'), { seed: 1 });
   */
  static async create(graph: Graph, options: ModelOptions = {}): Promise<Model> {
    return new Model(create(graph, options));
  }

  /**
   * A model from a checkpoint; the code that made it is not needed. To train it further on something else,
   * say what: where its classes are others, by number or by name, the last layer begins anew, and
   * `model.loaded` tells what was taken.
   *
   * @param options.dtype default: the checkpoint's.
   * @param options.weights `value` (default), or `ema`: the average that a training with `modelEma` kept
   *   becomes the weights.
   * @param options.classes, classNames default: the checkpoint's.
   * @param options.input channels, height and width of the images, default: the checkpoint's, whose
   *   channels it must have.
   * @param options.transform, exif, sixteenBit how image files are looked at, default: as the checkpoint
   *   says; at another size in proportion.
   * @param options.seed of a new last layer, default 0.
   * @throws ERR_CHECKPOINT for a torn, foreign or newer file, ERR_FILE when it cannot be read; ERR_CONFIG
   *   where there is no average, or for other classes when the network does not end in a linear layer;
   *   ERR_SHAPE for images that it cannot take; as `create`.
   * @example
   * await using model = await Model.load('runs/lm_resnet20/checkpoint.safetensors');
   * const wanted = { classNames: ['cat', 'dog'], input: [3, 64, 64] } as const;
   * await using start = await Model.load('model.safetensors', wanted);
   */
  static async load(path: string, options: LoadOptions = {}): Promise<Model> {
    return new Model(await load(path, options));
  }

  /**
   * What it takes: size and normalisation, and what brings image files to it in evaluations and predictions
   * (`transform`, `exif`, `sixteenBit`): as chosen when it was made, or as its last training evaluated.
   * Checkpoints have all of it.
   */
  get input(): ModelInput {
    return inputOf(this.#core);
  }

  /**
   * Names of its classes: those that it was made with; a model without any ("0", "1", …) takes over those of
   * what it is trained on.
   */
  get classNames(): readonly string[] {
    return this.#core.classNames;
  }

  /** Bytes of weights and statistics; 0 once closed. */
  get bytes(): number {
    return this.#core.native.bytes;
  }

  /** True while a training runs on it. */
  get training(): boolean {
    return this.#core.training !== null;
  }

  /**
   * Classifies images. Files are looked at as the model's evaluations look at them (`model.input`), unless
   * options say otherwise.
   *
   * @param images the path or the bytes (a `Buffer`, what `fetch` gives) of an image file of any format, a
   *   list of these, or pixels, uint8 [n, height, width, channels], one image after the other. Bytes are a
   *   file where they begin like one.
   * @param options.amp `bfloat16` or `float16`: type of convolutions and linear layers, for a model of
   *   float32; default `none`.
   * @throws ERR_IMAGE naming the file that cannot be decoded, ERR_FILE; ERR_SHAPE when pixels are not a
   *   whole number of images; ERR_NOT_FINITE when the weights give no numbers; ERR_CONFIG, ERR_CLOSED.
   * @example
   * const [cat] = await model.predict('cat.jpg', { topK: 3 });
   */
  predict(images: GivenImages, options: PredictOptions = {}): Promise<Prediction[]> {
    return called(this.predict, () => predict(this.#core, images, options));
  }

  /**
   * The network's output for images as `predict` takes them, before the softmax.
   *
   * @returns float32 [n, classes], row-major.
   * @throws as `predict`, but values that are not finite are given as they are.
   */
  logits(images: GivenImages, options: PredictOptions = {}): Promise<Float32Array> {
    return called(this.logits, () => logits(this.#core, images, options));
  }

  /**
   * Loss and accuracy over labelled images; every image counts once. Images that cannot be used are left out
   * and listed.
   *
   * @param options.batch images at a time, default 256; no influence on the result beyond rounding.
   * @param options.batches only the first so many batches; default all.
   * @param options.weights `value` (default), or `ema`: the average that a training with `modelEma` keeps.
   * @param options.amp see `predict`.
   * @param options.workers, prefetch, onBadImage, badImageLimit: see `LoadingOptions`.
   * @returns mean cross entropy in nats, top-1 and top-5 in [0, 1], number of images, bad images, and
   *   `nonFinite`: images for which a logit was not finite. They count as wrong, and the loss is NaN. `notes`
   *   say how classes were matched where they are not the same: names by name, numbers by number.
   * @throws ERR_DATASET for images of a class that the model does not have; ERR_SHAPE when the images or
   *   their labels do not fit; ERR_CONFIG for a wrong option, or where there is no average; ERR_IMAGE and
   *   ERR_DATASET for bad images, as asked; ERR_CLOSED.
   * @example
   * const { top1 } = await model.evaluate(await loadDataset('mnist', folder, 'test'));
   */
  evaluate(images: Images, options: EvaluateOptions = {}): Promise<Evaluation> {
    return called(this.evaluate, () => evaluate(this.#core, images, options));
  }

  /**
   * One tensor: a weight, a running statistic (`value`), its average (`ema`), a gradient of the last `vjp`,
   * or one of the optimiser's moments.
   *
   * @returns row-major values in the shape that `model.graph` gives (convolutions: out, in, height, width).
   * @throws ERR_UNKNOWN_NAME with the nearest path, ERR_CONFIG for an unknown set, ERR_CLOSED.
   * @example
   * const k = await model.readTensor('stage1.step1.k'); // the learned k of the second step
   */
  readTensor(path: string, set: TensorSet = 'value'): Promise<Float32Array | Float64Array> {
    return called(this.readTensor, () => readTensor(this.#core, path, set));
  }

  /**
   * Replaces one tensor.
   *
   * @throws ERR_UNKNOWN_NAME, ERR_CONFIG, ERR_SHAPE when the length differs, ERR_BUSY during a training,
   *   ERR_CLOSED.
   */
  writeTensor(path: string, values: Float32Array | Float64Array, set: TensorSet = 'value'): Promise<void> {
    return called(this.writeTensor, () => writeTensor(this.#core, path, set, values));
  }

  /**
   * Vector-Jacobian product: the output for x, and the gradient of sum(output · cotangent) by x and by every
   * parameter (`readTensor(path, 'gradient')`). x is the network's own input, after normalisation: float64
   * [n, height, width, channels].
   *
   * @throws ERR_SHAPE, ERR_CONFIG for a wrong option or steps that cannot be undone, ERR_BUSY during a
   *   training, ERR_CLOSED.
   */
  vjp(x: Float64Array, cotangent: Float64Array | null, options: VjpOptions = {}): Promise<NativeVjp> {
    return called(this.vjp, () => vjp(this.#core, x, cotangent, options));
  }

  /**
   * Values inside the network for images as `predict` takes them, in evaluation: states, residual functions,
   * anything that has a node (`model.graph.steps` says which). For analysis, tests and debugging.
   *
   * @param nodes ids of nodes of `model.graph`.
   * @returns for each node its shape, [n, C, H, W] or [n, F], and its values, row-major.
   * @throws ERR_UNKNOWN_NAME for an id that is none; as `predict`.
   * @example
   * const [u] = await model.probe(pixels, model.graph.steps[0].after);
   */
  probe(images: GivenImages, nodes: readonly number[], options: SizeOptions = {}): Promise<NativeTensor[]> {
    return called(this.probe, () => probe(this.#core, images, nodes, options));
  }

  /**
   * Features of images as `predict` takes them, in evaluation: what the last layer reads (`pooled`, [n, F]),
   * and maps [n, C, H, W] after the stem and after stages (`stem`, `stage1`, …; of a scheme that remembers
   * several states, the newest).
   *
   * @param names which; default `['pooled']`.
   * @returns for each name its shape and its values, row-major.
   * @throws ERR_UNKNOWN_NAME for a name that the network has not: `pooled`, where it does not end in a linear
   *   layer; as `predict`.
   * @example
   * const { pooled, stage3 } = await model.features('cat.jpg', ['pooled', 'stage3']);
   */
  features<const N extends FeatureName = 'pooled'>(
    images: GivenImages,
    names: readonly N[] = ['pooled' as N],
    options: SizeOptions = {},
  ): Promise<Record<N, NativeTensor>> {
    return called(this.features, () => features(this.#core, images, names, options));
  }

  /**
   * Saves graph, class names and weights as one safetensors file; `Model.load` reads it back. During a
   * training the tensors are read between its steps, not all of them after the same one; the checkpoint of a
   * run folder is of one step.
   *
   * @throws ERR_FILE when the file system refuses (an existing file stays whole), ERR_CLOSED.
   * @example
   * await model.save('model.safetensors');
   */
  save(path: string): Promise<void> {
    return called(this.save, () => save(this.#core, path));
  }

  /** Releases the native memory; a training is stopped first. Closing twice does nothing. */
  close(): Promise<void> {
    return close(this.#core);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** True once `close` was called. */
  get closed(): boolean {
    return this.#core.closing !== null;
  }
}
