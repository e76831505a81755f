/**
 * The graph as plain data: what crosses to C++, lies in a checkpoint, and everything else is derived from.
 * Shapes are rules: no batch or image size is stored beside the nominal input size.
 */

/** Version of the graph format. A reader refuses a newer one. */
export const graphVersion = 1;

/** Sizes of a tensor: [N, C, H, W] for feature maps, [N, F] for vectors, [2, C] for batch-norm statistics. */
export type Shape = readonly number[];

/** What describes an operation, such as `stride: [2, 2]`. */
export type Attrs = Readonly<Record<string, number | string | readonly number[]>>;

/** The input image and its normalisation: x = (pixel / 255 - mean) / std, per channel. */
export interface InputSpec {
  readonly channels: number;
  /** Nominal size in pixels; other sizes work where the layers allow them. */
  readonly height: number;
  readonly width: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Law a parameter is drawn from at creation. `heNormal`: N(0, 2 / (k·k·out)). */
export type InitSpec =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number };

/** What a parameter is for; weight decay and layer-wise rates follow from it. */
export type ParamKind = 'weight' | 'bias' | 'norm' | 'coefficient';

export interface ParamSpec {
  readonly path: string;
  readonly shape: Shape;
  readonly init: InitSpec;
  readonly kind: ParamKind;
  /** Depth of its layer in [0, 1]: 0 at the stem, 1 at the head. */
  readonly depth: number;
  /**
   * Whether weight decay acts on it; default: weights yes, coefficients no, norm and bias as the recipe says.
   */
  readonly decay?: boolean;
}

/** Running statistics and the like: saved with the weights, not trained. */
export interface BufferSpec {
  readonly path: string;
  readonly shape: Shape;
  readonly value: number;
}

/**
 * A coefficient of `lin`: a small expression, evaluated on the device once per step. `of` are indices of
 * coefficients.
 */
export type CoefSpec =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'param'; readonly param: number }
  | { readonly kind: 'sum' | 'product'; readonly of: readonly [number, number] }
  | { readonly kind: 'reciprocal' | 'tanh'; readonly of: readonly [number] };

/**
 * One operation. `inputs`, `params`, `buffers`, `coefs` are indices into the graph's tables; inputs precede
 * the node.
 */
export interface NodeSpec {
  readonly op: string;
  readonly path: string;
  readonly inputs: readonly number[];
  readonly params: readonly number[];
  readonly buffers: readonly number[];
  readonly coefs: readonly number[];
  readonly attrs: Attrs;
}

/** How the states before a reversible step follow from those after it: nodes outside the graph proper. */
export interface InverseRecord {
  /**
   * Operations of the inverse, in order. An input i >= 0 is node i of the graph, i < 0 is operation -1 - i of
   * this list.
   */
  readonly nodes: readonly NodeSpec[];
  /** For every state before the step, newest first: where its value is found, numbered as inputs. */
  readonly before: readonly number[];
}

/**
 * One evaluation of a residual function f inside a step: node ids of its argument and value, and its path.
 */
export interface FieldRecord {
  readonly path: string;
  readonly input: number;
  readonly output: number;
}

/** One time step as it was traced: recompute, reverse, pictures and `analyze` read these. */
export interface StepRecord {
  readonly path: string;
  readonly scheme: string;
  readonly stage: number;
  /** Step n of N over the whole network, and its depth t in [0, 1]. */
  readonly n: number;
  readonly N: number;
  readonly t: number;
  /** True for the step that changes width or resolution. */
  readonly transition: boolean;
  /** Node ids of the state before and after, newest first. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly fields: readonly FieldRecord[];
  /** Indices of the learned parameters that the step's coefficients read. */
  readonly params: readonly number[];
  /** Reversible schemes only. */
  readonly inverse?: InverseRecord;
}

/** A traced network as plain data: what the native executor runs, and a checkpoint keeps. */
export interface GraphSpec {
  readonly version: number;
  readonly name: string;
  readonly input: InputSpec;
  readonly nodes: readonly NodeSpec[];
  readonly params: readonly ParamSpec[];
  readonly buffers: readonly BufferSpec[];
  readonly coefs: readonly CoefSpec[];
  readonly steps: readonly StepRecord[];
  /** Node id of the result: logits [N, classes] for a classifier. */
  readonly output: number;
}
