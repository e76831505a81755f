/**
 * What a classifier's probabilities are worth: accuracy, loss, confusion and calibration of labelled images,
 * batch by batch.
 */

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
   * et al. 2017.
   */
  readonly ece: number;
  /** 15 bins of equal width. */
  readonly bins: readonly ReliabilityBin[];
}

/** The scores of all images. */
export interface ScoreTable {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
  readonly count: number;
  /** Images of class i that were taken for class j, [i][j]; none whose output was not finite. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly ClassScore[];
  readonly calibration: Calibration;
}

const binCount = 15;

/**
 * Logarithms of the mean over views of the softmax of logits [n, classes].
 *
 * @returns float64 [n, classes], row-major; NaN for an image with a logit that is not finite.
 */
export function meanLogProbabilities(views: readonly Float32Array[], classes: number): Float64Array {
  const size = views[0]?.length ?? 0;
  const out = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
  for (const logits of views) {
    for (let row = 0; row < size; row += classes) {
      const values = logits.subarray(row, row + classes);
      const sum = logSumExp(values);
      const norm = Number.isFinite(sum) ? sum + Math.log(views.length) : Number.NaN;
      for (const [i, z] of values.entries()) out[row + i] = logAddExp(out[row + i] ?? 0, z - norm);
    }
  }
  return out;
}

function logSumExp(values: Float32Array): number {
  let [highest, sum] = [Number.NEGATIVE_INFINITY, 0];
  for (const z of values) highest = Math.max(highest, z); // NaN stays
  for (const z of values) sum += Math.exp(z - highest);
  return highest + Math.log(sum);
}

/** log(exp(a) + exp(b)); each may be -∞. */
function logAddExp(a: number, b: number): number {
  if (a === Number.NEGATIVE_INFINITY) return b;
  if (b === Number.NEGATIVE_INFINITY) return a;
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** Gathers scores; equal probabilities rank by index, and an image without any (NaN) is never right. */
export class Scores {
  readonly #classes: number;
  readonly #confusion: Float64Array;
  readonly #bins = Array.from({ length: binCount }, () => ({ count: 0, confidence: 0, right: 0 }));
  #count = 0;
  #loss = 0;
  #top5 = 0;

  constructor(classes: number) {
    this.#classes = classes;
    this.#confusion = new Float64Array(classes * classes);
  }

  /** Adds an image: the logarithms of its probabilities, and its class. */
  add(logs: Float64Array, label: number): void {
    const own = logs[label] ?? Number.NEGATIVE_INFINITY;
    this.#count++;
    this.#loss -= own;
    if (Number.isNaN(own)) return;
    let [best, rank] = [0, 0];
    for (let i = 0; i < logs.length; i++) {
      const value = logs[i] ?? 0;
      if (value > (logs[best] ?? 0)) best = i;
      if (value > own || (value === own && i < label)) rank++;
    }
    const at = label * this.#classes + best;
    this.#confusion[at] = (this.#confusion[at] ?? 0) + 1;
    if (rank < 5) this.#top5++;
    this.#calibrate(Math.exp(logs[best] ?? 0), best === label);
  }

  #calibrate(confidence: number, right: boolean): void {
    const bin = this.#bins[Math.min(binCount, Math.max(1, Math.ceil(confidence * binCount))) - 1];
    if (bin === undefined) return;
    bin.count++;
    bin.confidence += confidence;
    if (right) bin.right++;
  }

  /** The table of what was added; without images the means are NaN. */
  table(classNames: readonly string[]): ScoreTable {
    const n = this.#classes;
    const confusion = Array.from({ length: n }, (_, i) =>
      Array.from(this.#confusion.subarray(i * n, (i + 1) * n)),
    );
    const right = confusion.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
    return {
      loss: this.#loss / this.#count,
      top1: right / this.#count,
      top5: this.#top5 / this.#count,
      count: this.#count,
      confusion,
      perClass: classScores(confusion, classNames),
      calibration: this.#calibration(),
    };
  }

  #calibration(): Calibration {
    const bins = this.#bins.map(({ count, confidence, right }, i) => ({
      from: i / binCount,
      to: (i + 1) / binCount,
      count,
      confidence: part(confidence, count),
      accuracy: part(right, count),
    }));
    const gaps = this.#bins.reduce((sum, { confidence, right }) => sum + Math.abs(right - confidence), 0);
    return { ece: gaps / this.#count, bins };
  }
}

function classScores(confusion: readonly (readonly number[])[], classNames: readonly string[]): ClassScore[] {
  return confusion.map((row, i) => {
    const count = row.reduce((a, b) => a + b, 0);
    const predicted = confusion.reduce((sum, other) => sum + (other[i] ?? 0), 0);
    const right = row[i] ?? 0;
    return {
      name: classNames[i] ?? String(i),
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
