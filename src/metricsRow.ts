/** What is known of a training at one of its steps: a line of a run's log, a point of its curves. */

/** Training at one step: loss and top-1 of the steps since the last row. */
export interface StepRow {
  readonly type: 'step';
  /** Steps done. */
  readonly step: number;
  /** Epochs done, a fraction. */
  readonly epoch: number;
  /** Mean of what was minimised (`loss`), in nats; NaN when it was not finite. */
  readonly loss: number;
  /** Part of the images whose class was ranked first, in [0, 1]. */
  readonly top1: number;
  readonly lr: number;
  readonly imagesPerSecond: number;
}

/** Evaluation on held-out images after `step` steps. */
export interface EvalRow {
  readonly type: 'eval';
  readonly step: number;
  readonly epoch: number;
  /** Mean cross entropy, in nats, whatever was minimised; NaN when it was not finite. */
  readonly loss: number;
  readonly top1: number;
  /** Part of the images whose class was among the first five, in [0, 1]. */
  readonly top5: number;
  /** Images for which the model gave a logit that is not finite; they count as wrong. */
  readonly nonFinite: number;
  /** The same of the averaged weights, where they are kept. */
  readonly ema?: Scores | undefined;
}

/** Loss and accuracies of an evaluation, and how many images gave none. */
export type Scores = Pick<EvalRow, 'loss' | 'top1' | 'top5' | 'nonFinite'>;

/**
 * Orders evaluations by top-1, the best first; those with a NaN or an infinity, of an image for which the
 * model gave none, come last.
 *
 * @example
 * const [best] = evaluations.toSorted(bestFirst);
 */
export function bestFirst(a: Pick<Scores, 'loss' | 'top1'>, b: Pick<Scores, 'loss' | 'top1'>): number {
  return Number(isSound(b)) - Number(isSound(a)) || (b.top1 || 0) - (a.top1 || 0);
}

function isSound({ loss, top1 }: Pick<Scores, 'loss' | 'top1'>): boolean {
  return Number.isFinite(loss) && Number.isFinite(top1);
}

/** An image could not be used. */
export interface WarningRow {
  readonly type: 'warning';
  readonly step: number;
  /** Its path, or a file and the place in it. */
  readonly name: string;
  readonly reason: string;
}

/** Learned coefficients after `step` steps; written at the start of a run and with every evaluation. */
export interface CoefficientsRow {
  readonly type: 'coefficients';
  readonly step: number;
  readonly epoch: number;
  /** Every parameter of kind 'coefficient' by its path, as it is stored: one number, or one per channel. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}

/** One line of a run's log. */
export type MetricsRow = StepRow | EvalRow | WarningRow | CoefficientsRow;
