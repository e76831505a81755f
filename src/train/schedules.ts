/**
 * Learning-rate schedules: plain data that say how a step's rate follows from its number. Steps count from 0; `lr` is the
 * rate of the run, the peak of every schedule. Nothing here keeps state: step n is computed from n alone.
 */
import { z } from 'zod';
import { parseOptions } from '../check.ts';

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

/** Half a cosine from `lr` to `minLr`, after a linear warm-up. */
export interface Cosine {
  readonly kind: 'cosine';
  readonly warmupSteps: number;
  /** Lowest rate (absolute), default 0. */
  readonly minLr: number;
}

/** A constant rate that is multiplied by `factor` at every milestone, after a linear warm-up. */
export interface Multistep {
  readonly kind: 'multistep';
  /** Epochs, ascending, may be fractions. */
  readonly milestones: readonly number[];
  /** Default 0.1. */
  readonly factor: number;
  readonly warmupSteps: number;
}

/** The rate of the run throughout, after a linear warm-up. */
export interface Constant {
  readonly kind: 'constant';
  readonly warmupSteps: number;
}

/** How the learning rate follows from the step. */
export type Schedule = OneCycle | Cosine | Multistep | Constant;

/** A schedule as it may be written: everything but `kind` (and the milestones) has a default. */
export type ScheduleInput =
  | Input<OneCycle>
  | Input<Cosine>
  | (Input<Multistep> & Pick<Multistep, 'milestones'>)
  | Input<Constant>;

type Input<T extends Schedule> = Pick<T, 'kind'> & { readonly [K in keyof T]?: T[K] | undefined };

const warmupSteps = z.int().min(0).default(0);
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
const cosineSchema = z.strictObject({
  kind: z.literal('cosine'),
  warmupSteps,
  minLr: z.number().min(0).default(0),
});
const multistepSchema = z.strictObject({
  kind: z.literal('multistep'),
  milestones: z.array(z.number().positive()).readonly().refine(isAscending, ascending),
  factor: z.number().positive().default(0.1),
  warmupSteps,
});
const constantSchema = z.strictObject({ kind: z.literal('constant'), warmupSteps });

/** Schema of a schedule, for options, configuration files and flags: {@link ScheduleInput} in, {@link Schedule} out. */
export const scheduleSchema: z.ZodType<Schedule, ScheduleInput> = z.discriminatedUnion('kind', [
  oneCycleSchema,
  cosineSchema,
  multistepSchema,
  constantSchema,
]);

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
 * Cosine schedule, minLr + (lr - minLr)(1 + cos(π n / N)) / 2 for step n of the N after the warm-up; step n of a warm-up of
 * W has lr (n + 1) / (W + 1). PyTorch's `CosineAnnealingLR` (T_max = N) behind `LinearLR`.
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
