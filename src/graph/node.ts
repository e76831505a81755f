import type { Coef } from './coefficients.ts';
import type { BufferSpec, ParamSpec } from './spec.ts';
import type { Trace } from './tracing.ts';

/** Sizes of a tensor: [N, C, H, W] for feature maps, [N, F] for vectors, [2, C] for batch-norm statistics. */
export type Shape = readonly number[];

/** What describes an operation, such as `stride: [2, 2]`. */
export type Attrs = Readonly<Record<string, number | string | readonly number[]>>;

/** A trainable tensor of the network under construction; made by `Scope.param`, usable by ops and as a coefficient. */
export interface Param extends ParamSpec {
  readonly trace: Trace;
}

/** A saved, untrained tensor of the network under construction, such as a running mean; made by `Scope.buffer`. */
export interface Buffer extends BufferSpec {
  readonly trace: Trace;
}

/**
 * A symbolic tensor: what an operation will yield, without data.
 * Its `shape` is that of one image at the nominal size: [1, C, H, W], [1, F], or [2, C] for batch-norm statistics.
 * A node belongs to the trace it was made in; ops refuse nodes of two traces with ERR_GRAPH.
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
