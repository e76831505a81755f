/** What a classifier's probabilities are worth: accuracy, loss, confusion and calibration. */
import { must } from '../must.ts';
import type { Evaluation, NativeEvaluation } from '../native/binding.ts';

/** How well one class is told from the others. */
export interface ClassScore {
  readonly name: string;
  /** Images of this class. */
  readonly count: number;
  /** Images that were taken for this class. */
  readonly predicted: number;
  /** Part of its images that were recognised: the top-1 of the class, its recall; null without images. */
  readonly top1: number | null;
  /** Part of the images taken for it that are of it; null when none was. */
  readonly precision: number | null;
}

/** The images whose highest probability, the confidence, lies in (from, to]. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence and part that was right; null without images. */
  readonly confidence: number | null;
  readonly accuracy: number | null;
}

/** Whether a model is as often right as it is confident. */
export interface Calibration {
  /**
   * Expected calibration error: mean of |accuracy - confidence| over the bins, weighted by their images. Guo
   * et al. 2017. Null where the output for an image was not finite: it has no confidence.
   */
  readonly ece: number | null;
  /** 15 bins of equal width. */
  readonly bins: readonly ReliabilityBin[];
}

/** The scores of all images. */
export interface ScoreTable extends Omit<Evaluation, 'notes'> {
  /** Images of class i that were taken for class j, [i][j]; none whose output was not finite. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly ClassScore[];
  readonly calibration: Calibration;
}

/** The scores that an evaluation's counts come to. */
export function scoreTable(found: NativeEvaluation, classNames: readonly string[]): ScoreTable {
  const { confusion: counts, bins, ...evaluation } = found;
  const confusion = rowsOf(must(counts), classNames.length);
  return {
    ...evaluation,
    confusion,
    perClass: classScores(confusion, classNames),
    calibration: calibrationOf(rowsOf(must(bins), 3), evaluation),
  };
}

function rowsOf(values: Float64Array, length: number): number[][] {
  return Array.from({ length: values.length / length }, (_, i) =>
    Array.from(values.subarray(i * length, (i + 1) * length)),
  );
}

function calibrationOf(
  rows: readonly (readonly number[])[],
  { count: all, nonFinite }: Pick<Evaluation, 'count' | 'nonFinite'>,
): Calibration {
  const sums = rows.map(([count, confidence, right]) => ({
    count: must(count),
    confidence: must(confidence),
    right: must(right),
  }));
  const gaps = sums.reduce((sum, { confidence, right }) => sum + Math.abs(right - confidence), 0);
  const bins = sums.map(({ count, confidence, right }, i) => ({
    from: i / sums.length,
    to: (i + 1) / sums.length,
    count,
    confidence: part(confidence, count),
    accuracy: part(right, count),
  }));
  return { ece: nonFinite > 0 ? null : gaps / all, bins };
}

function classScores(confusion: readonly (readonly number[])[], classNames: readonly string[]): ClassScore[] {
  return confusion.map((row, i) => {
    const count = row.reduce((a, b) => a + b, 0);
    const predicted = confusion.reduce((sum, other) => sum + must(other[i]), 0);
    const right = must(row[i]);
    return {
      name: must(classNames[i]),
      count,
      predicted,
      top1: part(right, count),
      precision: part(right, predicted),
    };
  });
}

function part(of: number, all: number): number | null {
  return all === 0 ? null : of / all;
}
