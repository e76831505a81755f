/**
 * A network under construction: nodes, parameters, coefficients and steps refer to each other, and to the
 * trace that they are made in.
 */
import type { Attrs, BufferSpec, ParamSpec, Shape, StepRecord } from './spec.ts';

/**
 * A trainable tensor of the network under construction; made by `Scope.param`, usable by ops and as a
 * coefficient.
 */
export interface Param extends ParamSpec {
  readonly trace: Trace;
}

/**
 * A saved, untrained tensor of the network under construction, such as a running mean; made by
 * `Scope.buffer`.
 */
export interface Buffer extends BufferSpec {
  readonly trace: Trace;
}

/**
 * Sum, product, reciprocal or tanh of coefficients; made by `plus`, `minus`, `times`, `reciprocal`, `tanh`.
 */
export type CoefExpr =
  | { readonly kind: 'sum' | 'product'; readonly of: readonly [Coef, Coef]; readonly shape: Shape }
  | { readonly kind: 'reciprocal' | 'tanh'; readonly of: readonly [Coef]; readonly shape: Shape };

/** A coefficient: shape [1], or [C, 1, 1] for one value per channel. */
export type Coef = number | Param | CoefExpr;

/**
 * A symbolic tensor: what an operation will yield, without data. Its `shape` is that of one image at the
 * nominal size: [1, C, H, W], [1, F], or [2, C] for batch-norm statistics. A node belongs to the trace it was
 * made in; ops refuse nodes of two traces with ERR_GRAPH.
 */
export interface Node {
  readonly trace: Trace;
  /** Position in its trace; inputs have smaller ids. The graph renumbers the nodes that its output needs. */
  readonly id: number;
  readonly op: string;
  /** Scope it was made in, such as "stage1.step0.f0.conv1"; '' outside every scope. */
  readonly path: string;
  readonly shape: Shape;
  /** Channels C (or features F): `shape[1]`. */
  readonly channels: number;
  readonly inputs: readonly Node[];
  readonly params: readonly Param[];
  readonly buffers: readonly Buffer[];
  readonly coefs: readonly Coef[];
  readonly attrs: Attrs;
}

/** What is known of a step before it runs. */
export type StepInfo = Pick<StepRecord, 'path' | 'scheme' | 'stage' | 'n' | 'N' | 't' | 'transition'>;

/** One evaluation of f: its argument, its value, and the ids of the nodes made in between. */
export interface FieldDraft {
  readonly path: string;
  readonly input: Node;
  readonly output: Node;
  readonly from: number;
  readonly to: number;
}

/** A step as it was traced, before the graph numbers its nodes. */
export interface StepDraft extends StepInfo {
  readonly before: readonly Node[];
  readonly after: readonly Node[];
  readonly fields: readonly FieldDraft[];
  readonly params: readonly Param[];
  /** Reversible steps: the states before, made from those after. */
  readonly inverse?: readonly Node[];
}

/** State of a trace; only the functions of this folder change it. */
export interface Trace {
  /** Nominal shape of the input, [1, C, H, W]. */
  readonly image: Shape;
  readonly nodes: Node[];
  readonly params: Map<string, Param>;
  readonly buffers: Map<string, Buffer>;
  readonly steps: StepDraft[];
  /** Path that the nodes made now carry. */
  path: string;
  /** Evaluations of f in the step under way. */
  fields: FieldDraft[];
  /** False once the graph was made. */
  open: boolean;
}
