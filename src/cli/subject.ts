/** The new model, the images and the settings that a search before a training is about. */
import { type Command, Option } from 'commander';
import { oneOf } from '../check.ts';
import { createModel } from '../createModel.ts';
import { openDataset } from '../data/open.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { Model } from '../model/model.ts';
import { type PresetName, presetNames } from '../models/presets.ts';
import { optionsWith, trainSchema } from '../train/options.ts';
import { type RecipeName, recipe, recipeNames } from '../train/recipes.ts';
import type { TrainSettingsInput } from '../train/settings.ts';
import { addFlags, countOption, givenFlags } from './flags.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from './place.ts';
import { dataHelp, dataSpec, modelOptions } from './sets.ts';

/** The flags of a search. */
export interface SubjectFlags extends PlaceFlags, Record<string, unknown> {
  readonly model: string;
  readonly data: string;
  readonly imageSize?: number;
  readonly recipe?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds the flags of the model, the images and the settings. */
export function addSubjectFlags(command: Command, without: readonly string[] = []): void {
  command
    .addOption(new Option('--model <name>', `model: ${presetNames.join(', ')}`).default('lm_resnet20'))
    .addOption(new Option('--data <set>', `data set to train on, ${dataHelp}`).makeOptionMandatory())
    .addOption(countOption('image-size', 'side of the images that the network takes'))
    .option('--recipe <name>', `settings to start from: ${recipeNames.join(', ')}`)
    .option('--json', 'print one line of JSON')
    .option('--quiet', 'print nothing but --json');
  addFlags(
    command,
    trainSchema,
    optionsWith('trial').filter((name) => !without.includes(name)),
  );
  addPlaceFlags(command);
}

/** Opens what the flags say, and closes it after the work. */
export async function withSubject<T>(
  flags: SubjectFlags,
  work: (model: Model, data: Dataset, training: TrainSettingsInput) => Promise<T>,
): Promise<T> {
  const preset = oneOf<PresetName>(flags.model, presetNames, 'model');
  const start = flags.recipe === undefined ? {} : recipe(flags.recipe as RecipeName);
  const training: TrainSettingsInput = { ...start, ...givenFlags(trainSchema, flags) };
  const spec = dataSpec(flags.data);
  initFrom(flags);
  await using data = await openDataset(spec);
  await using model = await createModel(preset, {
    ...modelOptions(flags.data, data, flags.imageSize),
    seed: training.seed,
    device: flags.device,
    dtype: flags.dtype,
  });
  return await work(model, data, training);
}
