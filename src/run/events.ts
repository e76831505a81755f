/** What a run tells while it goes on. */
import type { EvalRow, StepRow, WarningRow } from '../metricsRow.ts';

/** Training went on: the steps since the last event. */
export interface StepEvent extends StepRow {
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Loss of every step since the last event. */
  readonly losses: readonly number[];
  /** Images since the last event. */
  readonly samples: number;
}

/** The held-out images were evaluated. */
export interface EvalEvent extends EvalRow {
  readonly count: number;
}

/** A checkpoint of `step` was written, while later steps went on. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly path: string;
}

/** A run goes on from a checkpoint: the first event of a resumed one. */
export interface ResumeEvent {
  readonly type: 'resume';
  readonly step: number;
  readonly path: string;
}

/** An image could not be used: another took its place, or an evaluation left it out. Each is told of once. */
export type WarningEvent = WarningRow;

/** What a person may want to know at the beginning: how classes were matched, which have no images. */
export interface NoteEvent {
  readonly type: 'note';
  readonly step: number;
  readonly text: string;
}

/** A file of the run could not be written, the disk being full or away; the run goes on and tries again. */
export interface UnwrittenEvent {
  readonly type: 'unwritten';
  readonly step: number;
  /** Which file, why, and what to do. */
  readonly reason: string;
}

/** What a training tells while it runs, told apart by `type`. */
export type TrainEvent =
  | StepEvent
  | EvalEvent
  | CheckpointEvent
  | ResumeEvent
  | WarningEvent
  | NoteEvent
  | UnwrittenEvent;
