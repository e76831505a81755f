/** `lm-resnet train --resume` */
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { readCheckpointInfo } from '../checkpoint/checkpoint.ts';
import { datasetSchema } from '../data/spec.ts';
import { expected } from '../errors.ts';
import { readBounded } from '../files.ts';
import { parseJson } from '../json.ts';
import { Model } from '../model/model.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { runFileNames } from '../run/folder.ts';
import { type DataMark, parseRunState, type RunState, sameJson } from '../run/runState.ts';
import { trainSchema } from '../train/options.ts';
import type { RecipeTransforms } from '../train/recipes.ts';
import { explainDamage, type TakenRun, takenTogether, takeOrMakeRun, takeRun } from '../train/resume.ts';
import type { TrainSettings } from '../train/settings.ts';
import { parseTransform, type Transform, type TransformInput } from '../transforms/transforms.ts';
import { flagOf, namesOf } from './flags.ts';
import { augmentationSchema, variantsSchema } from './job.ts';
import { initFrom, type PlaceFlags } from './place.ts';

export interface ResumeFlags {
  readonly resume?: string | undefined;
  readonly autoResume?: boolean | undefined;
  readonly resumeFallback?: boolean | undefined;
}

/** What a run trained and tested on, as it was given or found. */
export interface GivenSets {
  readonly data: unknown;
  /** Undefined: the test part of the data; null: nothing. */
  readonly test: unknown;
}

/** What settings.json says of data sets. */
const recordedSchema = z.object({
  data: z.object({
    train: z.object({ spec: datasetSchema.nullable() }),
    test: z.object({ spec: datasetSchema.nullable() }).nullable(),
  }),
});

/** The largest settings.json, in bytes. */
const maxSettings = 64 * 2 ** 20;

/**
 * The data sets that a run goes on with: those that are given, else those that its settings.json records. A
 * part of what was trained on goes with it where that is given anew.
 *
 * @param path of a checkpoint in its folder.
 */
export async function resumedSets(path: string, { data, test }: GivenSets): Promise<GivenSets> {
  if (data !== undefined && test !== undefined) return { data, test };
  const recorded = await recordedIn(join(dirname(path), runFileNames.settings));
  if (recorded === null) return { data, test };
  const { train } = recorded.data;
  const tested = recorded.data.test === null ? null : (recorded.data.test.spec ?? undefined);
  const isPart = sameJson(train.spec?.path, tested?.path) && train.spec?.kind === tested?.kind;
  if (data !== undefined) return { data, test: isPart ? test : (test ?? tested) };
  return { data: train.spec ?? undefined, test: test === undefined ? tested : test };
}

async function recordedIn(path: string): Promise<z.output<typeof recordedSchema> | null> {
  const text = await readBounded(path, maxSettings).then(String, () => null);
  if (text === null) return null;
  try {
    return recordedSchema.safeParse(parseJson(text)).data ?? null;
  } catch {
    return null;
  }
}

/** Adds --resume, --auto-resume and --resume-fallback. */
export function addResumeFlags(command: Command): void {
  command
    .option(
      '--resume <run>',
      'go on in a run folder, or from one checkpoint of it, with its model, data and settings',
    )
    .option(
      '--auto-resume',
      'go on in the folder of --run where it has a checkpoint, else begin in it: one command line for both',
    )
    .option(
      '--resume-fallback',
      'with --resume or --auto-resume: where the last checkpoint is damaged, take the newest that is whole',
    );
}

/** What a run goes on with. */
export interface Resumed {
  readonly model: Model;
  readonly transforms: RecipeTransforms;
  readonly settings: TrainSettings;
}

/** Flags of what a run begins with. */
const beginnings = ['model', 'recipe', 'from', 'weights', 'run', 'autoResume', 'imageSize'] as const;

/**
 * Takes the run folder of --resume, before its checkpoint is read.
 *
 * @throws ERR_CONFIG beside flags of a new run, ERR_BUSY, ERR_FILE, ERR_CHECKPOINT.
 */
export async function takeResumed(
  run: string,
  flags: ResumeFlags & PlaceFlags & Readonly<Record<string, unknown>>,
): Promise<TakenRun> {
  for (const name of [...beginnings, ...namesOf(variantsSchema), ...namesOf(augmentationSchema)])
    if (flags[name] !== undefined)
      throw expected(
        'ERR_CONFIG',
        'nothing, for a run that is resumed has its own,',
        `--${flagOf(name)}`,
        flags[name],
      );
  initFrom(flags);
  return takeRun(run, { fallback: flags.resumeFallback });
}

/**
 * Takes the run folder of --auto-resume, to go on or to begin in; as many threads compute as did, unless
 * `threads` says otherwise.
 *
 * @throws ERR_BUSY, ERR_FILE, ERR_CHECKPOINT.
 */
export async function takeAuto(
  folder: string,
  { resumeFallback, ranks, ...place }: ResumeFlags & PlaceFlags & { readonly ranks?: Ranks | undefined },
): Promise<TakenRun> {
  const taken = await takenTogether(ranks, () => takeOrMakeRun(folder, { fallback: resumeFallback }));
  const { checkpoint } = taken;
  if (checkpoint === undefined) return taken;
  try {
    const { threads } = await readState(checkpoint);
    initFrom({ ...place, threads: place.threads ?? threads });
    return taken;
  } catch (error) {
    await taken[Symbol.asyncDispose]();
    throw error;
  }
}

async function readState(path: string): Promise<RunState<TrainSettings>> {
  try {
    return parseRunState(path, (await readCheckpointInfo(path)).run, trainSchema);
  } catch (error) {
    throw await explainDamage(error, path);
  }
}

/**
 * The model that a run goes on with, the checkpoint it is from, its settings, and the transforms its images
 * had; as many threads compute as did, unless `threads` says otherwise.
 *
 * @throws ERR_CHECKPOINT, ERR_FILE.
 */
export async function resumeFrom(path: string, place: PlaceFlags): Promise<Resumed> {
  const { threads, data, test, settings } = await readState(path);
  initFrom({ ...place, threads: place.threads ?? threads });
  const transforms = { train: transformOf(data), test: transformOf(test) };
  const { device, dtype } = place;
  const model = await Model.load(path, { device, dtype }).catch(async (error: unknown) => {
    throw await explainDamage(error, path);
  });
  return { model, transforms, settings };
}

/** The transform that a data set had, if it or a recipe named one. */
function transformOf(mark: DataMark | null): Transform | undefined {
  const transform = mark?.transform;
  return transform ? parseTransform(transform as TransformInput, 'run.transform') : undefined;
}
