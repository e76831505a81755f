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

function predictionOf(logits: Float32Array, labels: readonly string[], topK: number): Prediction {
  if (!logits.every(Number.isFinite))
    throw new LmError('ERR_NOT_FINITE', 'The output of the model is not finite', {
      hint: 'Its weights or statistics hold a NaN or an infinity: load a checkpoint of an earlier step.',
    });
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (z) => Math.exp(z - highest));
  const total = weights.reduce((a, b) => a + b, 0);
  const guesses = weights
    .map((w, index): Guess => ({ index, label: must(labels[index]), probability: w / total }))
    .toSorted((a, b) => b.probability - a.probability)
    .slice(0, topK);
  return { ...must(guesses[0]), top: guesses };
}
