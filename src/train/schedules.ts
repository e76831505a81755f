/**
 * Learning-rate schedules: plain data that say how a step's rate follows from its number. Steps count from 0;
 * `lr` is the rate of the run, the peak of every schedule. Nothing here keeps state: step n is computed from
 * n alone.
 */
import { z } from 'zod';
import { kindOrObject, parseOptions } from '../check.ts';

/** Super-convergence: up to `lr` in the first part of the run, then down to nearly nothing. */
export interface OneCycle {
  readonly kind: 'oneCycle';
  /** Part of the run that rises, in [0, 1); default 0.3. */
  readonly pctStart: number;
  /** The first rate is lr / divFactor; default 25. */
  readonly divFactor: number;
  /** The last rate is lr / divFactor / finalDivFactor; default 10⁴. */
  readonly finalDivFactor: number;
  readonly anneal: 'cos' | 'linear';
  /** Momentum runs against the rate between these two, [lowest, highest]; null: the run's own, constant. */
  readonly momentum: readonly [number, number] | null;
}

/** A rise on a line before the schedule, of so many steps or epochs (one of the two, default none). */
export interface Warmup {
  readonly warmupSteps: number;
  /** May be a fraction. */
  readonly warmupEpochs: number;
  /**
   * Rate (absolute) of step 0, which step n of W leads on to lr by n / W; default: step n has lr (n + 1) / (W
   * + 1).
   */
  readonly warmupLr?: number | undefined;
}

/** Half a cosine from `lr` to `minLr`, after a linear warm-up. */
export interface Cosine extends Warmup {
  readonly kind: 'cosine';
  /** Lowest rate (absolute), default 0. */
  readonly minLr: number;
}

/** A line from `lr` to `minLr`, after a linear warm-up. */
export interface Linear extends Warmup {
  readonly kind: 'linear';
  /** Lowest rate (absolute), default 0. */
  readonly minLr: number;
}

/** A power of what is left of the run, from `lr` to `minLr`, after a linear warm-up. */
export interface Poly extends Warmup {
  readonly kind: 'poly';
  /** Default 0.5. */
  readonly power: number;
  /** Lowest rate (absolute), default 0. */
  readonly minLr: number;
}

/** A constant rate that is multiplied by `factor` every so many epochs, after a linear warm-up. */
export interface Step extends Warmup {
  readonly kind: 'step';
  /** May be a fraction, default 30. */
  readonly decayEpochs: number;
  /** Default 0.1. */
  readonly factor: number;
}

/** A constant rate that is multiplied by `factor` at every milestone, after a linear warm-up. */
export interface Multistep extends Warmup {
  readonly kind: 'multistep';
  /** Epochs, ascending, may be fractions. */
  readonly milestones: readonly number[];
  /** Default 0.1. */
  readonly factor: number;
}

/** The rate of the run throughout, after a linear warm-up. */
export interface Constant extends Warmup {
  readonly kind: 'constant';
}

/** How the learning rate follows from the step. */
export type Schedule = OneCycle | Cosine | Linear | Poly | Step | Multistep | Constant;

/**
 * A schedule as it may be written: everything but `kind` (and the milestones) has a default, and the kind
 * alone does: `'cosine'`.
 */
export type ScheduleInput =
  | Exclude<Schedule['kind'], 'multistep'>
  | Input<OneCycle>
  | Input<Cosine>
  | Input<Linear>
  | Input<Poly>
  | Input<Step>
  | (Input<Multistep> & Pick<Multistep, 'milestones'>)
  | Input<Constant>;

type Input<T extends Schedule> = Pick<T, 'kind'> & { readonly [K in keyof T]?: T[K] | undefined };

const warmup = {
  warmupSteps: z.int().min(0).default(0),
  warmupEpochs: z.number().min(0).default(0),
  warmupLr: z.number().min(0).optional(),
};
const minLr = z.number().min(0).default(0);
const factor = z.number().positive().default(0.1);
const oneLength = { message: 'warmupSteps or warmupEpochs, not both,' };
const momentumRange = z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).readonly();
const ascending = { message: 'ascending epochs' };

const oneCycleSchema = z.strictObject({
  kind: z.literal('oneCycle'),
  pctStart: z.number().min(0).lt(1).default(0.3),
  divFactor: z.number().min(1).default(25),
  finalDivFactor: z.number().min(1).default(1e4),
  anneal: z.enum(['cos', 'linear']).default('cos'),
  momentum: momentumRange.nullable().default(null),
});
const cosineSchema = z
  .strictObject({ kind: z.literal('cosine'), ...warmup, minLr })
  .refine(hasOneLength, oneLength);
const linearSchema = z
  .strictObject({ kind: z.literal('linear'), ...warmup, minLr })
  .refine(hasOneLength, oneLength);
const polySchema = z
  .strictObject({ kind: z.literal('poly'), ...warmup, power: z.number().positive().default(0.5), minLr })
  .refine(hasOneLength, oneLength);
const stepSchema = z
  .strictObject({
    kind: z.literal('step'),
    ...warmup,
    decayEpochs: z.number().positive().default(30),
    factor,
  })
  .refine(hasOneLength, oneLength);
const multistepSchema = z
  .strictObject({
    kind: z.literal('multistep'),
    ...warmup,
    milestones: z.array(z.number().positive()).readonly().refine(isAscending, ascending),
    factor,
  })
  .refine(hasOneLength, oneLength);
const constantSchema = z
  .strictObject({ kind: z.literal('constant'), ...warmup })
  .refine(hasOneLength, oneLength);

/**
 * Schema of a schedule, for options, configuration files and flags: {@link ScheduleInput} in, {@link
 * Schedule} out.
 */
export const scheduleSchema: z.ZodType<Schedule, ScheduleInput> = kindOrObject(
  z.discriminatedUnion('kind', [
    oneCycleSchema,
    cosineSchema,
    linearSchema,
    polySchema,
    stepSchema,
    multistepSchema,
    constantSchema,
  ]),
);

/**
 * One-cycle schedule, the values of PyTorch's `OneCycleLR` (two phases, `max_lr` = lr).
 *
 * @throws ERR_CONFIG for an option that is unknown or out of range.
 * @see Smith, Topin, "Super-Convergence", 2017
 * @example
 * oneCycle({ pctStart: 0.25, momentum: [0.85, 0.95] });
 */
export function oneCycle(options: Omit<Input<OneCycle>, 'kind'> = {}): OneCycle {
  return parseOptions(oneCycleSchema, { ...options, kind: 'oneCycle' }, 'oneCycle');
}

/**
 * Cosine schedule, minLr + (lr - minLr)(1 + cos(π n / N)) / 2 for step n of the N after the warm-up; step n
 * of a warm-up of W has lr (n + 1) / (W + 1). PyTorch's `CosineAnnealingLR` (T_max = N) behind `LinearLR`.
 *
 * @throws ERR_CONFIG for an option that is unknown or out of range.
 * @see Loshchilov, Hutter, "SGDR", 2017, equation 5 (without restarts)
 * @example
 * cosine({ warmupSteps: 500 });
 */
export function cosine(options: Omit<Input<Cosine>, 'kind'> = {}): Cosine {
  return parseOptions(cosineSchema, { ...options, kind: 'cosine' }, 'cosine');
}

/**
 * Linear schedule, lr + (minLr - lr) n / N for step n of the N after the warm-up.
 *
 * @throws ERR_CONFIG for an option that is unknown or out of range.
 * @example
 * linearDecay({ warmupEpochs: 5 });
 */
export function linearDecay(options: Omit<Input<Linear>, 'kind'> = {}): Linear {
  return parseOptions(linearSchema, { ...options, kind: 'linear' }, 'linearDecay');
}

/**
 * Polynomial schedule, minLr + (lr - minLr) (1 - n / N)^power for step n of the N after the warm-up:
 * PyTorch's `PolynomialLR`.
 *
 * @throws ERR_CONFIG for an option that is unknown or out of range.
 * @example
 * polyDecay({ power: 2 }); // as in the paper of LARS
 */
export function polyDecay(options: Omit<Input<Poly>, 'kind'> = {}): Poly {
  return parseOptions(polySchema, { ...options, kind: 'poly' }, 'polyDecay');
}

/**
 * Step schedule, lr · factor^(whole decayEpochs done): PyTorch's `StepLR` with its size in epochs, which the
 * warm-up counts into.
 *
 * @throws ERR_CONFIG for an option that is unknown or out of range.
 * @example
 * stepDecay({ decayEpochs: 30 }); // 90 epochs of ImageNet
 */
export function stepDecay(options: Omit<Input<Step>, 'kind'> = {}): Step {
  return parseOptions(stepSchema, { ...options, kind: 'step' }, 'stepDecay');
}

/**
 * Step schedule, lr · factor^(milestones reached): PyTorch's `MultiStepLR` with milestones in epochs.
 *
 * @throws ERR_CONFIG for milestones that do not ascend, or an option that is unknown or out of range.
 * @example
 * multistep({ milestones: [80, 120] });
 */
export function multistep(
  options: Omit<Input<Multistep>, 'kind'> & Pick<Multistep, 'milestones'>,
): Multistep {
  return parseOptions(multistepSchema, { ...options, kind: 'multistep' }, 'multistep');
}

/**
 * The same rate at every step.
 *
 * @example
 * constant({ warmupSteps: 400 });
 */
export function constant(options: Omit<Input<Constant>, 'kind'> = {}): Constant {
  return parseOptions(constantSchema, { ...options, kind: 'constant' }, 'constant');
}

function isAscending(values: readonly number[]): boolean {
  return values.every((value, i) => value > (values[i - 1] ?? Number.NEGATIVE_INFINITY));
}

function hasOneLength({ warmupSteps, warmupEpochs }: Warmup): boolean {
  return warmupSteps === 0 || warmupEpochs === 0;
}
