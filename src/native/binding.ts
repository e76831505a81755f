/** The whole surface of the native addon. Nothing else may load it; nothing here validates (that is TypeScript's job above). */
import type { GraphSpec } from '../graph/spec.ts';

export interface NativeInfo {
  /** Version of libtorch the addon was built for. */
  readonly builtFor: string;
  readonly cudaDevices: number;
  readonly threads: number;
  readonly cpuCapability: string;
  readonly ops: readonly string[];
}

export type Dtype = 'float32' | 'float64';

export interface NativeModelOptions {
  readonly device: string;
  readonly dtype: Dtype;
  /** Seed of the initial weights, an integer in [0, 2^53); null leaves them zero, to be written. */
  readonly seed: number | null;
}

/** Which of a parameter's tensors: the value, its gradient of the last `vjp`, or the optimiser's momentum. */
export type TensorSet = 'value' | 'gradient' | 'momentum';

export interface NativeModel {
  /** Logits of n images: uint8 pixels [n, h, w, c] in, float32 [n, classes] out. Evaluation mode. */
  predict(pixels: Uint8Array, n: number, height: number, width: number): Promise<Float32Array>;
  evaluate(source: NativeSource, batch: number): Promise<NativeEvaluation>;
  /**
   * Vector-Jacobian product, float64 at the border: the graph's output for x [n, h, w, c] (not normalised pixels: the network's
   * own input), the gradient of sum(output · cotangent) by x, and by every parameter (read with `readTensor(path, 'gradient')`).
   */
  vjp(
    x: Float64Array,
    n: number,
    height: number,
    width: number,
    cotangent: Float64Array | null,
    options: NativeVjpOptions,
  ): Promise<NativeVjp>;
  /** Values of named nodes (by id) for an input as in `vjp`, evaluation mode; NCHW, float64. */
  probe(
    x: Float64Array,
    n: number,
    height: number,
    width: number,
    nodes: readonly number[],
  ): Promise<NativeTensor[]>;
  /** Shapes the C++ rules give for every node, for n images of h x w; the test of parity with TypeScript's rules. */
  shapes(n: number, height: number, width: number): number[][];
  /** One tensor by its path; row-major in the shape of the spec (convolution weights: out, in, h, w). */
  readTensor(path: string, set: TensorSet): Promise<Float64Array | Float32Array>;
  writeTensor(path: string, set: TensorSet, values: Float64Array | Float32Array): Promise<void>;
  /** Bytes of weights and buffers held. */
  readonly bytes: number;
  close(): void;
}

/** What a training pass keeps: all; the states every so many steps; or nothing that reversible steps give back. */
export interface NativeMemory {
  readonly kind: 'store' | 'recompute' | 'reverse';
  readonly every: number;
}

export interface NativeVjpOptions {
  readonly training: boolean;
  /** Of what a training pass draws, default 0. */
  readonly seed?: number;
  readonly memory?: NativeMemory;
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

export interface NativeEvaluation {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
  readonly count: number;
}

/** A data set in memory: uint8 images [count, height, width, channels] and labels in [0, classes). */
export interface NativeSourceSpec {
  readonly kind: 'memory';
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export interface NativeSource {
  readonly count: number;
  close(): void;
}

export interface NativeOptimizerSpec {
  readonly kind: 'sgd';
  readonly nesterov: boolean;
  /** Parameter groups: indices into the graph's parameters, factors on the step's rate and decay. */
  readonly groups: readonly {
    readonly params: readonly number[];
    readonly lrScale: number;
    readonly decayScale: number;
  }[];
}

export interface NativeTrainerSpec {
  readonly batch: number;
  /** Of the order of the images and of what steps draw. */
  readonly seed: number;
  /** Default: everything is stored. */
  readonly memory?: NativeMemory;
  readonly optimizer: NativeOptimizerSpec;
}

/** A run of steps: row i of the table holds lr, momentum and weight decay of step `first + i`. */
export interface NativeChunk {
  readonly first: number;
  readonly table: Float64Array;
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
}

export interface NativeTrainer {
  /** Steps in one pass over the source: the tail that does not fill a batch is dropped. */
  readonly stepsPerEpoch: number;
  run(chunk: NativeChunk): Promise<NativeChunkResult>;
  /** Ends the chunk after the step under way, and every later chunk before its first; callable at any time from the JS thread. */
  stop(): void;
  close(): void;
}

export interface NativeAddon {
  info(): NativeInfo;
  configure(options: { threads: number }): void;
  /** `reset`: the peak starts anew. */
  memory(reset: boolean): NativeMemoryUse;
  readonly Model: new (graph: GraphSpec, options: NativeModelOptions) => NativeModel;
  readonly Source: new (spec: NativeSourceSpec) => NativeSource;
  readonly Trainer: new (model: NativeModel, source: NativeSource, spec: NativeTrainerSpec) => NativeTrainer;
}

/** Columns of a chunk's table, in order. */
export const chunkColumns = ['lr', 'momentum', 'weightDecay'] as const;
