/** The new model, the images and the settings that a search before a training is about. */
import { type Command, Option } from 'commander';
import { openDataset } from '../data/open.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { Model } from '../model/model.ts';
import { presetNames } from '../models/presets.ts';
import { optionsWith, trainSchema } from '../train/options.ts';
import { recipeNames } from '../train/recipes.ts';
import type { TrainSettings } from '../train/settings.ts';
import { beginningOf, modelFor, settingsFor, transformed, transformsOf } from './beginning.ts';
import { addFlags, countOption, givenFlags } from './flags.ts';
import { augmentationOf, augmentationSchema, variantsOf, variantsSchema } from './job.ts';
import { tellNotes } from './notes.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from './place.ts';
import { dataHelp, dataSpec } from './sets.ts';

/** The flags of a search. */
export interface SubjectFlags extends PlaceFlags, Record<string, unknown> {
  readonly model?: string;
  readonly data: string;
  readonly imageSize?: number;
  readonly recipe?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds the flags of the model, the images and the settings. */
export function addSubjectFlags(command: Command, without: readonly string[] = []): void {
  command
    .option('--model <name>', `model: ${presetNames.join(', ')} (default: the recipe's, else lm_resnet20)`)
    .addOption(new Option('--data <set>', `data set to train on, ${dataHelp}`).makeOptionMandatory())
    .addOption(countOption('image-size', 'side of the images that the network takes'))
    .option('--recipe <name>', `model, settings and transforms to start from: ${recipeNames.join(', ')}`)
    .option('--json', 'print one line of JSON')
    .option('--quiet', 'print nothing but --json');
  addFlags(command, variantsSchema);
  addFlags(command, augmentationSchema);
  addFlags(
    command,
    trainSchema,
    optionsWith('trial').filter((name) => !without.includes(name)),
  );
  addPlaceFlags(command);
}

/** Opens what a training with these flags would begin with, and closes it after the work. */
export async function withSubject<T>(
  flags: SubjectFlags,
  work: (model: Model, data: Dataset, training: TrainSettings) => Promise<T>,
): Promise<T> {
  const { model: named, data: set, recipe, imageSize, device, dtype } = flags;
  const variants = variantsOf(flags, 'train');
  const augmentation = augmentationOf(flags);
  const wanted = { model: named, variants, augmentation, data: set, recipe, imageSize, device, dtype };
  const beginning = beginningOf(wanted, givenFlags(trainSchema, flags));
  initFrom(flags);
  await using data = await openDataset(dataSpec(set));
  tellNotes([data], flags);
  await using model = await modelFor(beginning, data);
  const { train, side } = transformsOf(beginning, model, data);
  return await work(model, transformed(data, train, side), settingsFor(beginning, model));
}
