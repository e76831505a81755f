/** What the parts of one drawn step share. */
import type { Applied, StepForm, Term } from '../analyze/linearForm.ts';
import type { GraphSpec, StepRecord } from '../graph/spec.ts';
import { must } from '../must.ts';
import { type Label, labelText } from './coefLabel.ts';
import type { At } from './marks.ts';

/** A step with its form, ready to be drawn. */
export interface DrawnStep {
  readonly step: StepRecord;
  readonly form: StepForm<Label>;
}

/** Where a state is found. A box is the value of f there. */
export interface Origin extends At {
  readonly kind: 'sum' | 'box';
}

/** Heights of a row. */
export interface Lanes {
  /** Height of the first lane, and of the second where the scheme has two variables. */
  readonly y: number;
  readonly second: number;
  /** Which states are lanes of their own; the others are memory. */
  readonly own: readonly number[];
}

/**
 * Where a state arrives: what it is a sum of, and the operation behind the sum, such as the relu of a
 * projected scheme.
 */
export interface Result {
  readonly terms: readonly Term<Label>[];
  readonly post: Applied<Label> | undefined;
}

/** One step in its place. */
export interface Cell {
  readonly graph: GraphSpec;
  readonly drawn: DrawnStep;
  readonly lanes: Lanes;
  /** Where the states before it are, newest first. */
  readonly origins: readonly Origin[];
  /** Left end, begin of the columns of f, their number, and the place of the last sum. */
  readonly x: number;
  readonly begin: number;
  readonly columns: number;
  readonly end: number;
  readonly results: readonly Result[];
}

/** Width of the column of one evaluation of f. */
export const columnWidth = 194;
/** Size of a box of f, how far right of its column's begin it is, and how far below the lane. */
export const boxSize = { width: 124, height: 42 } as const;
export const boxLeft = 44;
export const boxDrop = 44;
/** Where an arrow from the lane enters a box, from its left end. */
export const tapOffset = 18;
/** Bottom of the boxes below the first lane. */
export const boxesEnd: number = boxDrop + boxSize.height;

/** Height of lane 0 or 1. */
export function laneY({ y, second }: Lanes, lane: number): number {
  return lane === 0 ? y : second;
}

/**
 * True where lane 0 adds all that arrives at lane 1 (the new velocity): one arrow between the two sums says
 * it.
 */
export function isLinked({ results, lanes }: Cell): boolean {
  const [a, b] = [must(lanes.own[0]), lanes.own[1]];
  if (b === undefined) return false;
  const [outer, inner] = [results[a]?.terms ?? [], results[b]?.terms ?? []];
  return inner.length > 1 && inner.length < outer.length && inner.every((term) => includes(outer, term));
}

/** Whether terms hold a term with its coefficient. */
export function includes(terms: readonly Term<Label>[], { from, i, coef }: Term<Label>): boolean {
  const wanted = labelText(coef);
  return terms.some((term) => term.from === from && term.i === i && labelText(term.coef) === wanted);
}
