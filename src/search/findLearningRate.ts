/** The range test of learning rates: a short training whose rate grows until the loss breaks out. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import type { Images } from '../loading/images.ts';
import { checkImages } from '../model/checkImages.ts';
import { copyOf, coreOf, type Model } from '../model/model.ts';
import { must } from '../must.ts';
import type { RateSearch } from '../picture/rates.ts';
import { trainSchema } from '../train/options.ts';
import { settingsForInput } from '../train/recipes.ts';
import type { TrainSettings, TrainSettingsInput } from '../train/settings.ts';
import { withTrial } from './trial.ts';

/** Range of the rates that are tried. */
export interface RateRange {
  /** First rate, default 1e-5. */
  readonly from: number;
  /** Last rate, default 10. */
  readonly to: number;
  /** Steps from the first rate to the last, default 100. */
  readonly ramp: number;
}

type RangeInput = { readonly [K in keyof RateRange]?: RateRange[K] | undefined };

/** Options of `findLearningRate`. */
export type FindRateOptions = RangeInput & {
  /**
   * The training that the rate is for: batch, optimiser, loss, …; its rate, schedule and length do not
   * matter.
   */
  readonly training?: TrainSettingsInput | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** The schema of a range of rates; the flags of the command line are made of it. */
export const rateRangeSchema: z.ZodType<RateRange, RangeInput> = z
  .object({
    from: z.number().positive().default(1e-5).describe('first learning rate'),
    to: z.number().positive().default(10).describe('last learning rate'),
    ramp: z.int().min(10).max(100_000).default(100).describe('steps from the first rate to the last'),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'a rate above the first' });

/** Steps between two looks at the losses. */
const stride = 5;
/** The loss broke out when it is so many times its best. */
const breakout = 4;

/**
 * Finds a learning rate: trains a copy of the model while the rate grows exponentially, until the loss is 4
 * times its best, and suggests the rate at which the smoothed loss falls fastest. The model stays as it is.
 *
 * @param options.from, to, ramp: range of the rates, default 1e-5 to 10 in 100 steps.
 * @returns rates, losses and the suggestion.
 * @throws ERR_CONFIG for a wrong option, ERR_SHAPE when the images do not fit, ERR_ABORTED, ERR_CLOSED.
 * @see Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3
 * @example
 * const found = await findLearningRate(model, digits, { training: { batch: 128 } });
 * await writeRates('rates.png', found);
 */
export async function findLearningRate(
  model: Model,
  images: Images,
  options: FindRateOptions = {},
): Promise<RateSearch> {
  const { training = {}, signal, ...range } = options;
  const { from, to, ramp } = parseOptions(rateRangeSchema, range, 'findLearningRate');
  const data = checkImages(coreOf(model), images, true);
  const settings: TrainSettings = parseOptions(
    trainSchema,
    settingsForInput(training, model.input),
    'training',
  );
  const all = Array.from({ length: ramp }, (_, i) => from * (to / from) ** (i / (ramp - 1)));
  const losses: number[] = [];
  await using copy = await copyOf(model);
  const diverged = await withTrial(copy, data, settings, signal, async (steps) => {
    while (losses.length < ramp) {
      const chunk = await steps(all.slice(losses.length, losses.length + stride));
      losses.push(...chunk.losses);
      if (chunk.notFinite !== null) return true;
      if (isDiverged(losses)) return true;
      if (chunk.exhausted || chunk.steps === 0) return false;
    }
    return false;
  });
  const rates = all.slice(0, losses.length);
  const smoothed = averaged(losses);
  return { rates, losses, smoothed, suggestion: steepest(rates, smoothed), diverged };
}

function isDiverged(losses: readonly number[]): boolean {
  const means = averaged(losses);
  const last = means.at(-1);
  return last !== undefined && last > breakout * Math.min(...means);
}

/** Every loss averaged with its neighbours, as many on both sides. */
function averaged(losses: readonly number[]): number[] {
  return losses.map((_, i) => {
    const reach = Math.min(3, i, losses.length - 1 - i);
    const near = losses.slice(i - reach, i + reach + 1);
    return near.reduce((a, b) => a + b, 0) / near.length;
  });
}

/** The rate, before the lowest loss, around which a loss over rates of equal ratio falls fastest. */
function steepest(rates: readonly number[], losses: readonly number[]): number | null {
  const lowest = losses.indexOf(Math.min(...losses));
  let [best, slope] = [-1, 0];
  for (let i = 1; i <= lowest && i < losses.length - 1; i++) {
    const rise = must(losses[i + 1]) - must(losses[i - 1]);
    if (rise < slope) [best, slope] = [i, rise];
  }
  return best < 0 ? null : must(rates[best]);
}
