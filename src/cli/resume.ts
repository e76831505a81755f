/** `lm-resnet train --resume` */
import type { Command } from 'commander';
import { readCheckpointInfo } from '../checkpoint/checkpoint.ts';
import { expected } from '../errors.ts';
import { Model } from '../model/model.ts';
import { checkpointAt } from '../run/checkpoints.ts';
import { type DataMark, parseRunState } from '../run/runState.ts';
import { trainSchema } from '../train/options.ts';
import type { RecipeTransforms } from '../train/recipes.ts';
import { explainDamage, lastGoodCheckpoint } from '../train/resume.ts';
import type { TrainSettings } from '../train/settings.ts';
import { parseTransform, type Transform, type TransformInput } from '../transforms/transforms.ts';
import { namesOf } from './flags.ts';
import { variantsSchema } from './job.ts';
import { initFrom, type PlaceFlags } from './place.ts';

export interface ResumeFlags {
  readonly resume?: string;
  readonly resumeFallback?: boolean;
}

/** Adds --resume and --resume-fallback. */
export function addResumeFlags(command: Command): void {
  command
    .option(
      '--resume <run>',
      'go on in a run folder, or from one checkpoint of it, with its model and settings',
    )
    .option(
      '--resume-fallback',
      'with --resume: where the last checkpoint is damaged, take the newest that is whole',
    );
}

/** What a run goes on with. */
export interface Resumed {
  readonly model: Model;
  readonly path: string;
  readonly transforms: RecipeTransforms;
  readonly settings: TrainSettings;
}

/** Flags of what a run begins with. */
const beginnings = ['model', 'recipe', 'from', 'run', 'imageSize'] as const;

/**
 * The model that a run goes on with, the checkpoint it is from, its settings, and the transforms its images
 * had; as many threads compute as did, unless --threads says otherwise.
 *
 * @throws ERR_CONFIG beside flags of a new run, ERR_CHECKPOINT, ERR_FILE.
 */
export async function resumeFrom(
  run: string,
  flags: ResumeFlags & PlaceFlags & Readonly<Record<string, unknown>>,
): Promise<Resumed> {
  for (const name of [...beginnings, ...namesOf(variantsSchema)])
    if (flags[name] !== undefined)
      throw expected(
        'ERR_CONFIG',
        'nothing, for a run that is resumed has its own,',
        `--${name}`,
        flags[name],
      );
  const path = flags.resumeFallback ? await lastGoodCheckpoint(run) : await checkpointAt(run);
  try {
    const { run: saved } = await readCheckpointInfo(path);
    const { threads, data, test, settings } = parseRunState(path, saved, trainSchema);
    initFrom({ ...flags, threads: flags.threads ?? threads });
    const transforms = { train: transformOf(data), test: transformOf(test) };
    const model = await Model.load(path, { device: flags.device, dtype: flags.dtype });
    return { model, path, transforms, settings };
  } catch (error) {
    throw await explainDamage(error, path);
  }
}

/** The transform that a data set had, if it or a recipe named one. */
function transformOf(mark: DataMark | null): Transform | undefined {
  const transform = mark?.transform;
  return transform ? parseTransform(transform as TransformInput, 'run.transform') : undefined;
}
