/** What a report says: runs side by side. Plain data, the JSON form of `lm-resnet report`. */
import type { EvalRow, StepRow } from '../../metricsRow.ts';
import type { LossKind } from '../../picture/curves.ts';

/**
 * How often images of one class were taken for another: row is the true class, column the one that was ranked
 * first.
 */
export interface Confusion {
  readonly confusion: readonly (readonly number[])[];
  readonly classNames: readonly string[];
}

/** Learned coefficients over the time of a run. */
export interface CoefficientCurves {
  /**
   * 'k': k_n in the paper's sign; 'stored': the parameters themselves, of a scheme without k or a run without
   * a checkpoint.
   */
  readonly kind: 'k' | 'stored';
  /** Steps of the network, or parameters, from the first to the last. */
  readonly names: readonly string[];
  /** When they were read: steps done, and epochs. */
  readonly steps: readonly number[];
  readonly epochs: readonly number[];
  /** [name][time], means over channels. */
  readonly values: readonly (readonly number[])[];
}

/** What a run came to, as far as its log goes; null for what it does not have. */
export interface RunResult {
  readonly steps: number;
  readonly epochs: number;
  /** Steps the run was planned for, as its checkpoint says. */
  readonly totalSteps: number | null;
  readonly trainLoss: number | null;
  readonly trainTop1: number | null;
  readonly testLoss: number | null;
  readonly testTop1: number | null;
  readonly testTop5: number | null;
  /** The top-1 of the best evaluation (`bestFirst`), and the epoch of it. */
  readonly bestTop1: number | null;
  readonly bestEpoch: number | null;
  /** Median over the log. */
  readonly imagesPerSecond: number | null;
}

/** One run of a report. */
export interface RunReport {
  /** Name of its folder; the path as given where two folders have one name. */
  readonly name: string;
  readonly folder: string;
  readonly model: string;
  /** What it minimised: the loss of its steps is of this kind, that of its evaluations a cross entropy. */
  readonly loss: LossKind;
  /** From the checkpoint; null where the run has none (yet). */
  readonly parameters: number | null;
  /** Option by option, nested ones joined by dots. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly result: RunResult;
  readonly steps: readonly StepRow[];
  readonly evals: readonly EvalRow[];
  /** Null where nothing was learned. */
  readonly coefficients: CoefficientCurves | null;
  /** From evaluation.json; null where there is none. */
  readonly confusion: Confusion | null;
}

/** One option and its value in every run, in their order; undefined where a run lacks it. */
export interface SettingRow {
  readonly option: string;
  readonly values: readonly unknown[];
}

/** Runs side by side. */
export interface Comparison {
  readonly runs: readonly RunReport[];
  readonly differing: readonly SettingRow[];
  readonly equal: readonly SettingRow[];
}
