/** A step as linear combinations: of its states, its evaluations of f, and whatever else stands between. */

/** A term of a linear combination: part `i` of the states, evaluations or other operations of the step. */
export interface Term<T> {
  readonly from: 'state' | 'field' | 'other';
  readonly i: number;
  readonly coef: T;
}

/** Channels [start, end) of state or evaluation `of`; whole tensors unless the step takes them apart. */
export interface Part {
  readonly of: number;
  readonly start: number;
  readonly end: number;
}

/** An evaluation of f, or another operation: its part, and what it is applied to. */
export interface Applied<T> extends Part {
  readonly input: readonly Term<T>[];
  /** Nodes of another operation, in order; none for an evaluation of f. */
  readonly nodes: readonly number[];
}

/** A step as linear combinations. */
export interface StepForm<T> {
  readonly states: readonly Part[];
  readonly fields: readonly Applied<T>[];
  readonly others: readonly Applied<T>[];
  /** States after the step: part, and what it is made of. */
  readonly after: readonly (Part & { readonly terms: readonly Term<T>[] })[];
  /** True when random weights stand at their expectation. */
  readonly random: boolean;
}

/**
 * Part of a value: on channels [start, end) it is the sum of coef · source, whose channels are `shift`
 * higher.
 */
export interface Segment<T> {
  readonly start: number;
  readonly end: number;
  readonly terms: readonly { readonly source: number; readonly shift: number; readonly coef: T }[];
}

/** A tensor of the step, as segments in order. */
export type Value<T> = readonly Segment<T>[];

/** What values are combinations of. */
export interface Source<T> {
  readonly from: Term<T>['from'];
  /** Number of the state or evaluation. */
  readonly of: number;
  readonly channels: number;
  /** What an evaluation or operation is applied to; states have none. */
  readonly input: Value<T> | null;
  readonly nodes: readonly number[];
}
