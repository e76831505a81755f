/** What a training is told beside its settings: of a configuration file and of flags. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expandHome } from '../files.ts';
import { type Variants, variantsShape } from '../models/variants.ts';
import { trainSchema } from '../train/options.ts';
import { type Augmentation, augmentationShape } from '../transforms/augmentation.ts';
import { readConfig } from './config.ts';
import { givenFlags, namesOf } from './flags.ts';
import { type PlaceFlags, placeShape } from './place.ts';

/** What a training is told beside its settings: in a configuration file, and as flags of the same names. */
export interface Job extends Pick<PlaceFlags, 'device' | 'dtype' | 'threads'> {
  readonly model?: string | undefined;
  readonly data?: unknown;
  readonly test?: unknown;
  readonly imageSize?: number | undefined;
  readonly run?: string | undefined;
  /** Goes on in `run` where it has a checkpoint. */
  readonly autoResume?: boolean | undefined;
  readonly recipe?: string | undefined;
  readonly from?: string | undefined;
  /** Of `from`: the weights themselves, or their average. */
  readonly weights?: 'value' | 'ema' | undefined;
  /** Choices among the forms of a built-in model. */
  readonly variants?: Variants | undefined;
  /** Single choices of what happens to images. */
  readonly augmentation?: Augmentation | undefined;
}

/** The schema of single choices of what happens to images. */
export const augmentationSchema: z.ZodType<Augmentation> = z.object(augmentationShape);

/** The schema of the options of a built-in model. */
export const variantsSchema: z.ZodType<Variants> = z.object(variantsShape);
const path = z.string().transform(expandHome);

/** The schema of a job; data sets are checked when they are opened. */
export const jobSchema: z.ZodType<Job> = z.object({
  model: z.string().optional().describe("name of a model (default: the recipe's, else lm_resnet20)"),
  data: z.unknown().optional().describe('data set to train on'),
  test: z.unknown().optional().describe('data set to test on after every epoch'),
  imageSize: z.int().min(8).max(16_383).optional().describe('side of the images that the network takes'),
  run: path.optional().describe('run folder, new (default: runs/<model>)'),
  autoResume: z
    .boolean()
    .optional()
    .describe('go on in the run folder where it has a checkpoint, else begin in it (default: false)'),
  recipe: z.string().optional().describe('model, settings and transforms to start from'),
  from: path.optional().describe('checkpoint to start from; other classes get a new last layer'),
  weights: z
    .enum(['value', 'ema'])
    .optional()
    .describe('of the checkpoint to start from: its weights, or their average (default: value)'),
  ...placeShape,
});

/**
 * The options of the file of --config and those of flags, which go before: the job checked, the settings not
 * yet.
 *
 * @throws ERR_FILE, ERR_CONFIG for an unknown name or a wrong value.
 */
export async function readJob(
  flags: Readonly<Record<string, unknown>> & { readonly config?: string },
): Promise<Job & Record<string, unknown>> {
  const known = [jobSchema, variantsSchema, augmentationSchema, trainSchema].flatMap(namesOf);
  const file = flags.config === undefined ? {} : await readConfig(flags.config, known);
  const flagged = Object.entries(flags).filter(([name]) => known.includes(name));
  const given = { ...file, ...Object.fromEntries(flagged) };
  const job = parseOptions(jobSchema, givenFlags(jobSchema, given), 'train');
  const variants = variantsOf(given, 'train');
  const augmentation = augmentationOf(given);
  return { ...givenFlags(trainSchema, given), ...job, variants, augmentation };
}

/**
 * Those of the options given that are of a built-in model; undefined where there are none.
 *
 * @throws ERR_CONFIG for a wrong value.
 */
export function variantsOf(given: Given, what: string): Variants | undefined {
  return someOf(variantsSchema, given, what);
}

/**
 * Those of the options given that are choices of what happens to images; undefined where there are none.
 *
 * @throws ERR_CONFIG for a wrong value.
 */
export function augmentationOf(given: Given): Augmentation | undefined {
  return someOf(augmentationSchema, given, 'train');
}

type Given = Readonly<Record<string, unknown>>;

function someOf<T extends object>(schema: z.ZodType<T>, given: Given, what: string): T | undefined {
  const found = parseOptions(schema, givenFlags(schema, given), what);
  return Object.keys(found).length === 0 ? undefined : found;
}
