/** A network with its weights, on a device. */
import { parseOptions } from '../check.ts';
import { readCheckpoint, type Snapshot, takeSnapshot, writeCheckpoint } from '../checkpoint/checkpoint.ts';
import { didYouMean, expected, LmError } from '../errors.ts';
import { Graph } from '../graph/graph.ts';
import { checkClassNames } from '../loading/classNames.ts';
import { Dataset } from '../loading/dataset.ts';
import { datasetOf, type Images } from '../loading/images.ts';
import { batchSize, loaderSpec } from '../loading/loaderSpec.ts';
import type { ModelInput } from '../loading/modelInput.ts';
import type {
  Dtype,
  NativeEvaluation,
  NativeModel,
  NativeTensor,
  NativeVjp,
  TensorSet,
} from '../native/binding.ts';
import { called } from '../native/calls.ts';
import { native } from '../native/load.ts';
import { preprocessingOf } from '../transforms/preprocessing.ts';
import { adapt, type LoadReport, loadReport } from './adapt.ts';
import { checkAmp } from './amp.ts';
import {
  createSchema,
  type EvaluateOptions,
  evaluateSchema,
  type LoadOptions,
  loadSchema,
  type ModelOptions,
  type PredictOptions,
  predictSchema,
  type SizeOptions,
  sizeSchema,
  tensorSetSchema,
  type VjpOptions,
  vjpSchema,
} from './options.ts';
import { normalised } from './pixels.ts';
import { type Prediction, predictions } from './predictions.ts';

interface Parts {
  readonly graph: Graph;
  readonly native: NativeModel;
  readonly dtype: Dtype;
  readonly device: string;
  readonly classNames: readonly string[];
  readonly loaded: LoadReport | null;
}

/** A training under way on a model: how to end it, and when it has ended. */
interface Training {
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

/**
 * A network with its weights: predicts, evaluates, trains (`train`), is saved and loaded. Holds native memory: `close` it, or
 * write `await using model = …`. Calls may overlap: they are queued, and run between the steps of a training.
 *
 * @example
 * await using model = await Model.load('model.safetensors');
 * const [digit] = await model.predict(await readImage('seven.png', model.input));
 * console.log(digit?.label, digit?.probability);
 */
export class Model {
  readonly graph: Graph;
  readonly dtype: Dtype;
  readonly device: string;
  readonly classNames: readonly string[];
  /** What `load` took from the checkpoint and what begins anew; null for a model that was created. */
  readonly loaded: LoadReport | null;
  readonly #native: NativeModel;
  #training: Training | null = null;
  #closing: Promise<void> | null = null;

  private constructor({ graph, native, dtype, device, classNames, loaded }: Parts) {
    this.graph = graph;
    this.dtype = dtype;
    this.device = device;
    this.classNames = classNames;
    this.loaded = loaded;
    this.#native = native;
  }

  /**
   * A model with fresh weights.
   *
   * @throws ERR_CONFIG for a wrong option; ERR_DEVICE when the device is not there; ERR_LIBTORCH_NOT_FOUND, ERR_ADDON_MISSING.
   * @example
   * const model = await Model.create(preset('lm_resnet20'), { seed: 1 });
   */
  static async create(graph: Graph, options: ModelOptions = {}): Promise<Model> {
    if (!(graph instanceof Graph)) throw expected('ERR_CONFIG', 'a Graph', 'graph', graph);
    const { device, dtype = 'float32', seed, classNames } = parseOptions(createSchema, options, 'model');
    return Model.#make(graph, device, dtype, seed, classNames);
  }

  /**
   * A model from a checkpoint; the code that made it is not needed. To train it further on something else, say what: where its classes are
   * others, by number or by name, the last layer begins anew, and `model.loaded` tells what was taken.
   *
   * @param options.dtype default: the checkpoint's.
   * @param options.classes, classNames default: the checkpoint's.
   * @param options.input channels, height and width of the images, default: the checkpoint's, whose channels it must have.
   * @param options.seed of a new last layer, default 0.
   * @throws ERR_CHECKPOINT for a torn, foreign or newer file, ERR_FILE when it cannot be read; ERR_CONFIG for other classes when the network
   *   does not end in a linear layer, ERR_SHAPE for images that it cannot take; as `create`.
   * @example
   * await using model = await Model.load('runs/lm_resnet20/checkpoint.safetensors');
   * await using start = await Model.load('model.safetensors', { classNames: ['cat', 'dog'], input: [3, 64, 64] });
   */
  static async load(path: string, options: LoadOptions = {}): Promise<Model> {
    const { device, seed, ...wanted } = parseOptions(loadSchema, options, 'model');
    const { graph, classNames, dtype, sets } = await readCheckpoint(path);
    const adapted = adapt(graph, classNames, wanted);
    const report = loadReport(adapted);
    const hasNew = report.fresh.length > 0;
    const made = [device, wanted.dtype ?? dtype, hasNew ? seed : null, adapted.classNames] as const;
    const model = Model.#make(adapted.graph, ...made, report);
    // An average would lack the new layer.
    for (const set of hasNew ? (['value'] as const) : (['value', 'ema'] as const)) {
      const found = [...(sets.get(set) ?? [])].filter(([name]) => !adapted.fresh.has(name));
      await Promise.all(found.map(([name, tensor]) => model.#native.writeTensor(name, set, tensor)));
    }
    return model;
  }

  /** Size and normalisation of the images it takes, and what brings image files to it in evaluations and predictions. */
  get input(): ModelInput {
    const { input } = this.graph;
    return { ...input, ...preprocessingOf([input.height, input.width]) };
  }

  /** Bytes of weights and statistics; 0 once closed. */
  get bytes(): number {
    return this.#native.bytes;
  }

  /** True while a training runs on it. */
  get training(): boolean {
    return this.#training !== null;
  }

  /**
   * Classifies images.
   *
   * @param pixels uint8 [n, height, width, channels], one image after the other (`readImage` makes them from files).
   * @param options.amp `bfloat16` or `float16`: type of convolutions and linear layers, for a model of float32; default `none`.
   * @throws ERR_SHAPE when the length is not a whole number of images; ERR_NOT_FINITE when the weights give no numbers;
   *   ERR_CONFIG, ERR_CLOSED.
   * @example
   * const [cat] = await model.predict(await readImage('cat.jpg', model.input), { topK: 3 });
   */
  async predict(pixels: Uint8Array, options: PredictOptions = {}): Promise<Prediction[]> {
    const { topK } = parseOptions(predictSchema, options, 'predict');
    return predictions(await this.logits(pixels, options), this.classNames, topK);
  }

  /**
   * The network's output for images as `predict` takes them, before the softmax.
   *
   * @returns float32 [n, classes], row-major.
   * @throws as `predict`, but values that are not finite are given as they are.
   */
  async logits(pixels: Uint8Array, options: PredictOptions = {}): Promise<Float32Array> {
    const {
      height = this.input.height,
      width = this.input.width,
      weights,
      amp,
    } = parseOptions(predictSchema, options, 'predict');
    checkAmp(amp, this.dtype);
    if (!(pixels instanceof Uint8Array)) throw expected('ERR_CONFIG', 'a Uint8Array', 'pixels', pixels);
    const n = this.#imagesIn(pixels, 'pixels', height, width);
    this.graph.shapes(n, height, width);
    return called(this.logits, () => this.#open().predict(pixels, n, height, width, weights, amp));
  }

  /**
   * Loss and accuracy over labelled images; every image counts once. Images that cannot be used are left out and listed.
   *
   * @param options.batch images at a time, default 256; no influence on the result beyond rounding.
   * @param options.weights `value` (default), or `ema`: the average that a training with `modelEma` keeps.
   * @param options.amp see `predict`.
   * @param options.workers, prefetch, onBadImage, badImageLimit: see `LoadingOptions`.
   * @returns mean cross entropy in nats, top-1 and top-5 in [0, 1], number of images, bad images.
   * @throws ERR_SHAPE when the images or their classes do not fit; ERR_CONFIG when there is no average; ERR_IMAGE, ERR_DATASET for bad images, as asked; ERR_CLOSED.
   * @example
   * const { top1 } = await model.evaluate(await loadDataset('mnist', folder, 'test'));
   */
  async evaluate(images: Images, options: EvaluateOptions = {}): Promise<NativeEvaluation> {
    const { weights, amp, ...loading } = parseOptions(evaluateSchema, options, 'evaluate');
    checkAmp(amp, this.dtype);
    const data = this.check(images, false);
    const spec = loaderSpec(data, this.input, { ...loading, seed: 0, training: false, device: this.device });
    return called(this.evaluate, () => this.#open().evaluate(data.source, spec, weights, amp));
  }

  /**
   * One tensor: a weight, a running statistic (`value`), its average (`ema`), a gradient of the last `vjp`, or one of the optimiser's moments.
   *
   * @returns row-major values in the shape that `model.graph` gives (convolutions: out, in, height, width).
   * @throws ERR_UNKNOWN_NAME with the nearest path, ERR_CONFIG for an unknown set, ERR_CLOSED.
   * @example
   * const k = await model.readTensor('stage1.step1.k'); // the learned k of the second step
   */
  async readTensor(path: string, set: TensorSet = 'value'): Promise<Float32Array | Float64Array> {
    this.#known(path, set);
    return called(this.readTensor, () => this.#open().readTensor(path, set));
  }

  /**
   * Replaces one tensor.
   *
   * @throws ERR_UNKNOWN_NAME, ERR_CONFIG, ERR_SHAPE when the length differs, ERR_BUSY during a training, ERR_CLOSED.
   */
  async writeTensor(
    path: string,
    values: Float32Array | Float64Array,
    set: TensorSet = 'value',
  ): Promise<void> {
    this.#known(path, set);
    this.#idle('write its tensors');
    return called(this.writeTensor, () => this.#open().writeTensor(path, set, values));
  }

  /**
   * Vector-Jacobian product: the output for x, and the gradient of sum(output · cotangent) by x and by every parameter
   * (`readTensor(path, 'gradient')`). x is the network's own input, after normalisation: float64 [n, height, width, channels].
   *
   * @throws ERR_SHAPE, ERR_CONFIG for a wrong option or steps that cannot be undone, ERR_BUSY during a training, ERR_CLOSED.
   */
  async vjp(x: Float64Array, cotangent: Float64Array | null, options: VjpOptions = {}): Promise<NativeVjp> {
    const {
      height = this.input.height,
      width = this.input.width,
      ...rest
    } = parseOptions(vjpSchema, options, 'vjp');
    checkAmp(rest.amp, this.dtype, rest.memory?.kind);
    if (!(x instanceof Float64Array)) throw expected('ERR_CONFIG', 'a Float64Array', 'x', x);
    const n = this.#imagesIn(x, 'x', height, width);
    this.#idle('take gradients');
    return called(this.vjp, () => this.#open().vjp(x, n, height, width, cotangent, rest));
  }

  /**
   * Values inside the network for images as `predict` takes them, in evaluation: states, residual functions, anything that has a
   * node (`model.graph.steps` says which). For analysis, tests and debugging.
   *
   * @param nodes ids of nodes of `model.graph`.
   * @returns for each node its shape, [n, C, H, W] or [n, F], and its values, row-major.
   * @throws ERR_UNKNOWN_NAME for an id that is none; as `predict`.
   * @example
   * const [u] = await model.probe(pixels, model.graph.steps[0].after);
   */
  async probe(
    pixels: Uint8Array,
    nodes: readonly number[],
    options: SizeOptions = {},
  ): Promise<NativeTensor[]> {
    const size = parseOptions(sizeSchema, options, 'probe');
    const { height = this.input.height, width = this.input.width } = size;
    if (!(pixels instanceof Uint8Array)) throw expected('ERR_CONFIG', 'a Uint8Array', 'pixels', pixels);
    const n = this.#imagesIn(pixels, 'pixels', height, width);
    const x = normalised(pixels, this.input);
    return called(this.probe, () => this.#open().probe(x, n, height, width, nodes));
  }

  /**
   * Saves graph, class names and weights as one safetensors file; `Model.load` reads it back. During a training the tensors are
   * read between its steps, not all of them after the same one; the checkpoint of a run folder is of one step.
   *
   * @throws ERR_FILE when the file system refuses (an existing file stays whole), ERR_CLOSED.
   * @example
   * await model.save('model.safetensors');
   */
  async save(path: string): Promise<void> {
    const { graph, classNames, dtype } = this;
    return called(this.save, () =>
      writeCheckpoint(path, { graph, classNames, dtype, run: null }, this.#open(), []),
    );
  }

  /** Copies its tensors and those of the sets that a run goes on with, to be written with what is known of the run. @internal */
  async snapshot(run: Readonly<Record<string, unknown>>, sets: readonly TensorSet[]): Promise<Snapshot> {
    const { graph, classNames, dtype } = this;
    return takeSnapshot({ graph, classNames, dtype, run }, this.#open(), sets);
  }

  /**
   * Releases the native memory; a training is stopped first. Closing twice does nothing.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#training?.stop();
    await this.#training?.ended;
    this.#native.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** True once `close` was called. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  /** Checks that images fit the model, and gives them as a data set. @internal */
  check(images: Images, training: boolean): Dataset {
    const { channels } = this.input;
    const given = images instanceof Dataset ? images.size?.channels : images?.channels;
    if (given !== undefined && given !== channels)
      throw expected('ERR_SHAPE', `images with ${channels} channels`, 'data.channels', given);
    const data = datasetOf(images);
    const classes = data.labels?.reduce((a, b) => Math.max(a, b + 1), 0) ?? data.classNames.length;
    if (classes > this.graph.classes)
      throw expected(
        'ERR_SHAPE',
        `labels below ${this.graph.classes}, the classes of the model,`,
        'data.labels',
        classes - 1,
        { hint: `Create the model with { classes: ${Math.max(classes, data.classNames.length)} }.` },
      );
    checkClassNames(data, { name: `the model "${this.graph.name}"`, classNames: this.classNames });
    this.graph.shapes(1, ...batchSize(data, this.input, training));
    return data;
  }

  /** Begins a training: one at a time. The result ends it. @internal */
  beginTraining(stop: () => void): { readonly native: NativeModel; readonly end: () => void } {
    this.#idle('train it');
    const open = this.#open();
    let resolve = (): void => {};
    const ended = new Promise<void>((done) => {
      resolve = done;
    });
    this.#training = { stop, ended };
    const end = (): void => {
      this.#training = null;
      resolve();
    };
    return { native: open, end };
  }

  #open(): NativeModel {
    if (this.#closing === null) return this.#native;
    throw new LmError('ERR_CLOSED', `The model "${this.graph.name}" was closed`, {
      hint: 'Load or create another one; with `await using` it is closed at the end of its block.',
    });
  }

  #idle(what: string): void {
    if (this.#training === null) return;
    throw new LmError(
      'ERR_BUSY',
      `The model "${this.graph.name}" is being trained: it is too early to ${what}`,
      {
        hint: 'Await the run, or stop it first: await run.stop().',
      },
    );
  }

  #known(path: string, set: TensorSet): void {
    parseOptions(tensorSetSchema, set, 'set');
    const paths = [...this.graph.params, ...this.graph.buffers].map((tensor) => tensor.path);
    if (!paths.includes(path))
      throw expected('ERR_UNKNOWN_NAME', 'a tensor of the model', 'path', path, {
        hint: didYouMean(path, paths),
      });
  }

  /** How many images an array holds. */
  #imagesIn({ length }: { readonly length: number }, name: string, height: number, width: number): number {
    const { channels } = this.input;
    const n = length / (height * width * channels);
    if (n >= 1 && Number.isInteger(n)) return n;
    const what = `a whole number of images, ${height} x ${width} x ${channels} values each,`;
    throw expected('ERR_SHAPE', what, `${name}.length`, length, {
      hint: 'readImage(file, model.input) brings an image of any size to the one that the model takes.',
    });
  }

  static #make(
    graph: Graph,
    wanted: string,
    dtype: Dtype,
    seed: number | null,
    names?: readonly string[],
    loaded: LoadReport | null = null,
  ): Model {
    const addon = native();
    const device = wanted === 'auto' ? (addon.info().cudaDevices > 0 ? 'cuda' : 'cpu') : wanted;
    const classNames = names ?? Array.from({ length: graph.classes }, (_, i) => String(i));
    if (classNames.length !== graph.classes)
      throw expected('ERR_CONFIG', `${graph.classes} names`, 'model.classNames.length', classNames.length);
    const made = new addon.Model(graph.toSpec(), { device, dtype, seed });
    return new Model({ graph, device, dtype, classNames, native: made, loaded });
  }
}
