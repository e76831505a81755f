/** From logits to named classes with probabilities. */
import { LmError } from '../errors.ts';
import { must } from '../must.ts';

/** One class and its probability. */
export interface Guess {
  /** Index of the class. */
  readonly index: number;
  readonly label: string;
  /** Softmax of the logits, in [0, 1]. */
  readonly probability: number;
}

/** What a model says of one image: its best guess, and the best `topK` in order. */
export interface Prediction extends Guess {
  readonly top: readonly Guess[];
}

/**
 * Predictions of logits [n, classes], row-major.
 *
 * @throws ERR_NOT_FINITE for logits that are no numbers: they rank nothing.
 */
export function predictions(logits: Float32Array, labels: readonly string[], topK: number): Prediction[] {
  const classes = labels.length;
  return Array.from({ length: logits.length / classes }, (_, i) =>
    predictionOf(logits.subarray(i * classes, (i + 1) * classes), labels, topK),
  );
}

/**
 * Checks that logits are numbers.
 *
 * @throws ERR_NOT_FINITE.
 */
export function checkLogits(logits: Float32Array): void {
  if (logits.every(Number.isFinite)) return;
  throw new LmError('ERR_NOT_FINITE', 'The output of the model is not finite', {
    hint: 'Its weights or statistics hold a NaN or an infinity: load a checkpoint of an earlier step.',
  });
}

function predictionOf(logits: Float32Array, labels: readonly string[], topK: number): Prediction {
  checkLogits(logits);
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (z) => Math.exp(z - highest));
  const total = weights.reduce((a, b) => a + b, 0);
  const best = highestOf(weights, Math.min(topK, weights.length));
  const top = best.map((index): Guess => {
    return { index, label: must(labels[index]), probability: must(weights[index]) / total };
  });
  return { ...must(top[0]), top };
}

/** Places of the k highest values, the highest first, the lower place first where they are equal. */
function highestOf(values: readonly number[], k: number): number[] {
  const best: number[] = [];
  for (const [place, value] of values.entries()) {
    if (best.length === k && value <= must(values[must(best[k - 1])])) continue;
    const behind = best.findIndex((other) => must(values[other]) < value);
    best.splice(behind < 0 ? best.length : behind, 0, place);
    if (best.length > k) best.pop();
  }
  return best;
}
