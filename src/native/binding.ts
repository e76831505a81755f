/**
 * The whole surface of the native addon. Nothing else may load it; nothing here validates (that is
 * TypeScript's job above).
 */
import type { LmError } from '../errors.ts';
import type { GraphSpec } from '../graph/spec.ts';

export interface NativeInfo {
  /** Version of libtorch the addon was built for. */
  readonly builtFor: string;
  readonly cudaDevices: number;
  readonly threads: number;
  readonly cpuCapability: string;
  readonly ops: readonly string[];
}

/** Precision of weights and values. */
export type Dtype = 'float32' | 'float64';

/**
 * Type of convolutions and linear layers: the model's own (`none`), or one of half the bits, all else staying
 * in float32.
 */
export type Amp = (typeof precisions)[number];

/** The types that convolutions and linear layers may have. */
export const precisions = ['none', 'bfloat16', 'float16'] as const;

export interface NativeModelOptions {
  readonly device: string;
  readonly dtype: Dtype;
  /** Seed of the initial weights, an integer in [0, 2^53); null leaves them zero, to be written. */
  readonly seed: number | null;
  /** Its compute thread: 0 (default) is everyone's, others are of replicas that compute side by side. */
  readonly lane?: number;
  /** Team of that thread; default: as `configure` says. */
  readonly threads?: number;
}

/**
 * Which of a parameter's tensors: the value, its gradient of the last `vjp`, the optimiser's moments of the
 * gradient, or the average of the value over the steps of a training (`ema`; of running statistics too).
 */
export type TensorSet = (typeof tensorSets)[number];

/** The sets of tensors there are. */
export const tensorSets = ['value', 'gradient', 'momentum', 'secondMoment', 'ema'] as const;

export interface NativeModel {
  /** Logits of n images: uint8 pixels [n, h, w, c] in, float32 [n, classes] out. Evaluation mode. */
  predict(
    pixels: Uint8Array,
    n: number,
    height: number,
    width: number,
    weights?: 'value' | 'ema',
    amp?: Amp,
  ): Promise<Float32Array>;
  /**
   * Over a source, in the batches of a loader for every view: looks at the same images, whose probabilities
   * are averaged. With `ranks` each evaluates its share, and all get the whole.
   */
  evaluate(
    source: NativeSource,
    views: readonly NativeLoaderSpec[],
    options: NativeEvaluateOptions,
    ranks?: NativeRanks,
  ): Promise<NativeEvaluation>;
  /**
   * Vector-Jacobian product, float64 at the border: the graph's output for x [n, h, w, c] (not normalised
   * pixels: the network's own input), the gradient of sum(output · cotangent) by x, and by every parameter
   * (read with `readTensor(path, 'gradient')`).
   */
  vjp(
    x: Float64Array,
    n: number,
    height: number,
    width: number,
    cotangent: Float64Array | null,
    options: NativeVjpOptions,
  ): Promise<NativeVjp>;
  /** Values of named nodes (by id) for pixels as in `predict`, evaluation mode; NCHW, float64. */
  probe(
    pixels: Uint8Array,
    n: number,
    height: number,
    width: number,
    nodes: readonly number[],
  ): Promise<NativeTensor[]>;
  /**
   * Shapes the C++ rules give for every node, for n images of h x w; the test of parity with TypeScript's
   * rules.
   */
  shapes(n: number, height: number, width: number): number[][];
  /**
   * Bytes of the memory that a training step of n images of h x w writes to, the weights aside: what is
   * planned, exactly, and about what libtorch takes inside its functions.
   *
   * @throws ERR_CONFIG where the strategy is not possible, ERR_SHAPE.
   */
  stepBytes(
    n: number,
    height: number,
    width: number,
    options: { readonly memory: NativeMemory; readonly amp: Amp },
  ): number;
  /** One tensor by its path; row-major in the shape of the spec (convolution weights: out, in, h, w). */
  readTensor(path: string, set: TensorSet): Promise<Float64Array | Float32Array>;
  writeTensor(path: string, set: TensorSet, values: Float64Array | Float32Array): Promise<void>;
  /** Every tensor of a set becomes this number. */
  fill(set: TensorSet, value: number): Promise<void>;
  /** Tensors of a model, which may be this one, become tensors of this one, on the device, all at once. */
  copy(model: NativeModel, tensors: NativeCopy): Promise<void>;
  /** Bytes of weights and buffers held. */
  readonly bytes: number;
  close(): void;
}

/** Which tensors are copied. */
export interface NativeCopy {
  readonly from: TensorSet;
  readonly into: TensorSet;
  /** Paths there, by those here; default: all that both sets have, by their own paths. */
  readonly paths?: Readonly<Record<string, string>>;
}

/**
 * What a training pass keeps: all; the states every so many steps; or nothing that reversible steps give
 * back.
 */
export interface NativeMemory {
  readonly kind: 'store' | 'recompute' | 'reverse';
  readonly every: number;
}

export interface NativeVjpOptions {
  readonly training: boolean;
  /** Of what a training pass draws, default 0. */
  readonly seed?: number;
  readonly memory?: NativeMemory;
  /** Default 'none'. */
  readonly amp?: Amp;
  /** By libtorch's own functions instead of our kernels, default false: what tests compare these with. */
  readonly plain?: boolean;
}

/** Bytes of CPU tensors of the process: in use, the most since the last reset, and kept for reuse. */
export interface NativeMemoryUse {
  readonly live: number;
  readonly peak: number;
  readonly cached: number;
}

export interface NativeTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface NativeVjp {
  readonly output: NativeTensor;
  readonly inputGradient: NativeTensor | null;
}

export interface NativeEvaluateOptions {
  /** Default 'value'. */
  readonly weights?: 'value' | 'ema';
  /** Default 'none'. */
  readonly amp?: Amp;
  /** Whether confusion and calibration are counted too, default false. */
  readonly detail?: boolean;
}

/** What the images of an evaluation came to. */
export interface Evaluation {
  /** Mean cross entropy in nats; NaN when an output was not finite. */
  readonly loss: number;
  /** Part of the images whose class was ranked first, and among the first five, in [0, 1]. */
  readonly top1: number;
  readonly top5: number;
  /** Images that counted. */
  readonly count: number;
  /** Images for which the model gave a logit that is not finite; they count as wrong. */
  readonly nonFinite: number;
  /** Images that could not be used, each once; they do not count. */
  readonly bad: readonly BadImage[];
  /** How the classes of the data were matched with the model's, where it may surprise, in words. */
  readonly notes: readonly string[];
}

/** An evaluation, and with `detail` its counts, of the images whose logits are finite. */
export interface NativeEvaluation extends Omit<Evaluation, 'notes'> {
  /** [classes, classes]: images of class i that were taken for class j. */
  readonly confusion: Float64Array | null;
  /**
   * [15, 3]: of the images whose highest probability, the confidence, lies in (i / 15, (i + 1) / 15] their
   * number, the sum of their confidences, and how many of them were right.
   */
  readonly bins: Float64Array | null;
}

/** An image that cannot be used: what to call it (a path), and why. */
export interface BadImage {
  readonly name: string;
  readonly reason: string;
}

/** Size of images that are pixels [height, width, channels], not files. */
export interface RawSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A file as it was when its contents were listed: it has changed where one of these has. */
export interface FileStamp {
  readonly path: string;
  readonly bytes: number;
  /** Nanoseconds since 1970 as digits, for a number is not exact there. */
  readonly modified: string;
}

/** A data set: labels in [0, classes), and where the images are. */
export type NativeSourceSpec =
  /** Pixels in memory, uint8 [count, height, width, channels]. */
  | ({ readonly kind: 'memory'; readonly images: Uint8Array; readonly labels: Int32Array } & RawSize)
  /** One file an image; `names` are paths below the folder, each ended by a zero character. */
  | { readonly kind: 'files'; readonly folder: string; readonly names: string; readonly labels: Int32Array }
  /**
   * Parts of large files, in the order of the files. Row i of the table: number of the file, first byte,
   * bytes, CRC-32 (0: unknown), offsets of rows before a packed JPEG (0: none). `window`: files whose samples
   * are shuffled together; 0: all of them.
   */
  | {
      readonly kind: 'ranges';
      readonly files: readonly FileStamp[];
      readonly table: Float64Array;
      readonly labels: Int32Array;
      readonly window: number;
    }
  /** Samples that are pushed one by one: files, or pixels where a size is given. */
  | ({ readonly kind: 'stream'; readonly classes: number; readonly capacity: number } & Partial<RawSize>);

export interface NativeSource {
  /** What a message calls a sample. */
  name(index: number): string;
  /** Of a stream: gives it a sample; resolves, once there is room, to whether it was taken. */
  push(image: Uint8Array, label: number): Promise<boolean>;
  /** Of a stream: nothing more comes. */
  end(): void;
  /** Of a stream: nothing more comes, for this reason, with which its reader fails. */
  fail(reason: string): void;
  close(): void;
}

/** How files become pixels. */
export interface NativeDecoding {
  /** Images of more are refused. */
  readonly maxPixels: number;
  /** Turned upright by the tag Orientation. */
  readonly exif: boolean;
  /** Gray of 16 bits: the upper 8, or what is above 255 cut off. */
  readonly sixteenBit: 'scale' | 'clip';
}

/** How batches are made of a source. */
export interface NativeLoaderSpec extends RawSize {
  readonly batch: number;
  readonly seed: number;
  /** Label in a batch of every label of the source, -1: no image may have it; null: as they are. */
  readonly classes: readonly number[] | null;
  /** An epoch in random order without its tail, or every image once. */
  readonly training: boolean;
  /** Only the first so many batches of a pass that is no training; 0 (default): all. */
  readonly batches?: number;
  readonly rank: number;
  readonly worldSize: number;
  /** The source has this rank's images alone, of which other ranks have as many; default false. */
  readonly own?: boolean;
  /** Each image so often in an epoch of a training. */
  readonly augRepeats: number;
  /** Threads; 0: the one that asks for a batch makes it. */
  readonly workers: number;
  /** Batches that are made ahead. */
  readonly prefetch: number;
  readonly decoding: NativeDecoding;
  readonly onBadImage: 'replace' | 'throw';
  readonly badImageLimit: number;
  /** Memory that a GPU can copy from. */
  readonly pinned: boolean;
  readonly transform: readonly object[];
  /** Of the network's input; some operations draw in its units. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export interface NativeBatch {
  /** uint8 [n, height, width, channels] */
  readonly pixels: Uint8Array;
  readonly labels: Int32Array;
  /** Which samples of the source they are. */
  readonly indices: Float64Array;
  /** Bad images met since the last batch. */
  readonly bad: readonly BadImage[];
}

export interface NativeLoader {
  /** Batches in one pass. */
  readonly batches: number;
  /** The batch of a step; the next call must wait for it. */
  at(step: number): Promise<NativeBatch>;
  close(): void;
}

/**
 * A look at every file of a source, which begins at once: all of it is decoded; or, of heads, its first bytes
 * tell a format that is not decoded, whose name is the reason then.
 */
export interface NativeScan {
  /** Files looked at. */
  readonly done: number;
  /** Those that cannot be used, since the last call. */
  bad(): readonly (BadImage & { readonly index: number })[];
  close(): void;
}

/** A transform to be applied to one image: of raw pixels their size is given too. */
export interface NativeTransformSpec extends Partial<RawSize> {
  readonly transform: readonly object[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly seed: number;
  readonly epoch: number;
  readonly index: number;
  readonly decoding: NativeDecoding;
}

export interface NativeOptimizerSpec {
  readonly kind: 'sgd' | 'adamw' | 'lars' | 'lamb';
  /** Of SGD and LARS. */
  readonly nesterov: boolean;
  /** Of SGD and LARS, default 0. */
  readonly dampening?: number;
  /**
   * Decay of AdamW's and LAMB's second moment, default 0.999; that of the first is the momentum in the table.
   */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** Of LARS, default 1e-3. */
  readonly trustCoefficient?: number;
  /**
   * Parameter groups: indices into the graph's parameters, factors on the step's rate and decay; a factor 0
   * on the rate freezes them.
   */
  readonly groups: readonly {
    readonly params: readonly number[];
    readonly lrScale: number;
    readonly decayScale: number;
    /** LARS and LAMB: the rate of each tensor follows its norm; default false. */
    readonly adapts?: boolean;
  }[];
}

export interface NativeTrainerSpec {
  readonly loader: NativeLoaderSpec;
  /** Of what steps draw. */
  readonly seed: number;
  /** Default: everything is stored. */
  readonly memory?: NativeMemory;
  readonly optimizer: NativeOptimizerSpec;
  /** Default: no batch is mixed. */
  readonly mixing?: NativeMixing;
  /** Default: cross entropy of the labels as they are. */
  readonly loss?: NativeLoss;
  /** Whether the set `ema` follows the weights and statistics; default false. */
  readonly ema?: boolean;
  /** Batches of a step, whose gradients are averaged; default 1. */
  readonly accumulate?: number;
  /** Only the first so many batches of the first pass, again and again; 0 (default): all. */
  readonly batches?: number;
  /** Default: gradients stay as they are. */
  readonly clip?: NativeClip;
  /** Default 'none'. */
  readonly amp?: Amp;
  /** Whether cuDNN's algorithms, and sums of gradients, give the same bits every time; default true. */
  readonly deterministic?: boolean;
  /** Whether work on a device is recorded, and done again at one call; default false. */
  readonly capture?: boolean;
  /** How steps are shared with other ranks; only with these. */
  readonly sharing?: NativeSharing;
}

/** How the ranks of a training share its steps. */
export interface NativeSharing {
  /** Whether batch statistics are those of all ranks' images. */
  readonly syncNorm: boolean;
  /** Type of gradients on the wire; `none`: their own. */
  readonly compress: Amp;
}

/**
 * The factor on the loss that keeps small gradients in float16, as PyTorch's GradScaler has it: a step whose
 * gradient overflows is skipped and halves the scale, 2000 good ones double it. Below 1 the step is not
 * finite.
 */
export interface NativeLossScale {
  /** Of the next step, above 0. */
  readonly scale: number;
  /** Steps since the scale last changed. */
  readonly goodSteps: number;
  /** Steps of the run that were skipped. */
  readonly skipped: number;
}

/**
 * A bound on the gradient: on the norm of all of it, on every number, or on each unit's norm as a part of its
 * weights'.
 */
export interface NativeClip {
  readonly mode: 'norm' | 'value' | 'agc';
  readonly limit: number;
  /** Indices of the parameters that `agc` bounds. */
  readonly params: readonly number[];
}

/** How a batch is mixed with its own reverse; with what probability is in the table. */
export interface NativeMixing {
  /** α of the law Beta(α, α) of Mixup's and of CutMix's shares; 0: never. */
  readonly mixup: number;
  readonly cutmix: number;
  /** Probability of CutMix where both are on. */
  readonly switchProb: number;
}

/** What a training minimises: cross entropy, or the mean of the binary cross entropies of all classes. */
export interface NativeLoss {
  readonly kind: 'crossEntropy' | 'bce';
  /** Part of every target that is spread over all classes. */
  readonly smoothing: number;
  /** Binary targets above it become 1, the others 0; default: they stay. */
  readonly threshold?: number;
}

/** What may change from step to step: the columns of a chunk's table. */
export const stepColumns = ['lr', 'momentum', 'weightDecay', 'mixProb', 'emaDecay'] as const;

/** A column for each of `stepColumns`, by its name: the numbers of a chunk's steps. */
export type NativeStepTable = Readonly<Record<(typeof stepColumns)[number], Float64Array>>;

/** A run of steps: row i of the table is that of step `first + i`. */
export interface NativeChunk {
  readonly first: number;
  readonly table: NativeStepTable;
  /** As the steps before left it; default null: the loss is not scaled. */
  readonly lossScale?: NativeLossScale | null;
}

export interface NativeChunkResult {
  /** Steps done: fewer than asked after `stop()`, or when a loss or gradient was not finite. */
  readonly steps: number;
  /** Mean loss of every step done. */
  readonly losses: Float64Array;
  readonly correct1: number;
  readonly correct5: number;
  readonly samples: number;
  readonly seconds: number;
  /** Path of the layer in which the first non-finite value appeared; null when all were finite. */
  readonly notFinite: string | null;
  /** The source has no more batches, here or on another rank. */
  readonly exhausted: boolean;
  /** With other ranks, where they took no further step: the worst that one of them said; else null. */
  readonly said: 'stop' | 'exhausted' | 'failed' | null;
  /** After the last step; null where the loss is not scaled. */
  readonly lossScale: NativeLossScale | null;
  /** Batches whose work was recorded, and those for which a recording was replayed. */
  readonly captured: number;
  readonly replayed: number;
  /** Why nothing is recorded although it was asked for, told once; else null. */
  readonly notCaptured: string | null;
  /** Bad images met since the last chunk. */
  readonly bad: readonly BadImage[];
  /** Why there are no more batches, where the source failed; the weights are those of the steps done. */
  readonly failure: LmError | null;
}

export interface NativeTrainer {
  /** Steps in one pass over the source: the tail that does not fill a step is dropped. */
  readonly stepsPerEpoch: number;
  run(chunk: NativeChunk): Promise<NativeChunkResult>;
  /**
   * Ends the chunk after the step under way, and every later chunk before its first; callable at any time
   * from the JS thread.
   */
  stop(): void;
  close(): void;
}

/** Where a process stands among the ranks of a training, and how they meet. */
export interface NativeRanksSpec {
  readonly rank: number;
  readonly worldSize: number;
  /** Of the store. */
  readonly host: string;
  readonly port: number;
  /** Whether this process is to host it. */
  readonly hostsStore: boolean;
  /** Whether the store outlives its ranks, and others meet there after them. */
  readonly agentStore: boolean;
  /** Tells runs apart that share a store. */
  readonly run: string;
  /** Interfaces by name, with commas; empty: that which reaches the store. */
  readonly network: string;
  /** Of everything that waits for other ranks, in milliseconds. */
  readonly timeoutMs: number;
}

/** What was handed to the other ranks, and how long they were waited for. */
export interface NativeTraffic {
  readonly seconds: number;
  /** Of tensors, before a ring sends each about twice. */
  readonly bytes: number;
  readonly calls: number;
}

/** The ranks of a training. Errors are ERR_RANKS, naming the rank that is lost. */
export interface NativeRanks {
  /** Waits until all have come. */
  join(): Promise<void>;
  /** The texts of all ranks, by rank; all call it in the same order. */
  gather(text: string): Promise<string[]>;
  /** Sums of the numbers of all ranks, place by place; all call it in the same order. */
  sum(numbers: Float64Array): Promise<Float64Array>;
  /** Ends the group, and tells the others what ended this rank. */
  abandon(words: string): Promise<void>;
  /** Ends the group in good order: the rank that hosts the store waits for the others. */
  leave(): Promise<void>;
  traffic(): NativeTraffic;
}

export interface NativeAddon {
  info(): NativeInfo;
  /** Whether a device has instructions for products of bfloat16: AMX, CUDA from compute capability 8.0. */
  multipliesBfloat16(device: string): boolean;
  configure(options: { threads: number }): void;
  /** Bytes that tensors on a device may still take; null for the CPU, and where nobody says. */
  roomOn(device: string): number | null;
  /** `reset`: the peak starts anew. */
  memory(reset: boolean): NativeMemoryUse;
  /**
   * Locks an open file until it is closed: `busy` where another open file has the lock, of this process too;
   * `none` where the file system has no locks.
   */
  lockFile(file: number): 'taken' | 'busy' | 'none';
  /**
   * Name of the image format that a file of these first bytes has, such as "JPEG" or "WebP"; empty for none.
   */
  formatOf(head: Uint8Array): string;
  /** Size of the image that a file shows, by its header. */
  imageSize(file: Uint8Array, decoding: NativeDecoding): { readonly height: number; readonly width: number };
  /** uint8 [height, width, 3] */
  transformImage(
    image: Uint8Array,
    spec: NativeTransformSpec,
  ): Promise<{ readonly pixels: Uint8Array; readonly height: number; readonly width: number }>;
  /**
   * A JPEG file rearranged without loss so that parts can be decoded: baseline, a restart marker before every
   * row of blocks, and where the rows begin; null for a file that is to be kept as it is.
   */
  packJpeg(image: Uint8Array): Promise<{ readonly bytes: Uint8Array; readonly rows: Uint32Array } | null>;
  readonly Model: new (graph: GraphSpec, options: NativeModelOptions) => NativeModel;
  readonly Source: new (spec: NativeSourceSpec) => NativeSource;
  readonly Loader: new (source: NativeSource, spec: NativeLoaderSpec) => NativeLoader;
  readonly Ranks: new (spec: NativeRanksSpec) => NativeRanks;
  readonly Scan: new (
    source: NativeSource,
    threads: number,
    maxPixels: number,
    ofHeads: boolean,
  ) => NativeScan;
  /** `ranks`: those that take every step together with this process. */
  readonly Trainer: new (
    model: NativeModel,
    source: NativeSource,
    spec: NativeTrainerSpec,
    ranks?: NativeRanks,
  ) => NativeTrainer;
}
