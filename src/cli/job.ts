/** What a training is told beside its settings: of a configuration file and of flags. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { trainSchema } from '../train/options.ts';
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
  readonly recipe?: string | undefined;
  readonly from?: string | undefined;
}

/** The schema of a job; data sets are checked when they are opened. */
export const jobSchema: z.ZodType<Job> = z.object({
  model: z.string().optional().describe("name of a model (default: the recipe's, else lm_resnet20)"),
  data: z.unknown().optional().describe('data set to train on'),
  test: z.unknown().optional().describe('data set to test on after every epoch'),
  imageSize: z.int().min(8).max(16_383).optional().describe('side of the images that the network takes'),
  run: z.string().optional().describe('run folder, new (default: runs/<model>)'),
  recipe: z.string().optional().describe('model, settings and transforms to start from'),
  from: z.string().optional().describe('checkpoint to start from; other classes get a new last layer'),
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
  const known = [...namesOf(jobSchema), ...namesOf(trainSchema)];
  const file = flags.config === undefined ? {} : await readConfig(flags.config, known);
  const given = { ...file, ...givenFlags(jobSchema, flags), ...givenFlags(trainSchema, flags) };
  const inJob = namesOf(jobSchema);
  const part = (of: (name: string) => boolean): Record<string, unknown> =>
    Object.fromEntries(Object.entries(given).filter(([name]) => of(name)));
  const job = parseOptions(
    jobSchema,
    part((name) => inJob.includes(name)),
    'train',
  );
  return { ...part((name) => !inJob.includes(name)), ...job };
}
