/** What a new training, or a search before one, begins with: model, settings, and what happens to images. */
import { oneOf, parseOptions } from '../check.ts';
import { readCheckpointInfo } from '../checkpoint/checkpoint.ts';
import { createModel } from '../createModel.ts';
import { expected } from '../errors.ts';
import type { Dataset } from '../loading/dataset.ts';
import { coreOf, Model } from '../model/model.ts';
import type { LoadOptions } from '../model/options.ts';
import { type PresetName, presetNames } from '../models/presets.ts';
import { trainSchema } from '../train/options.ts';
import { findRecipe, type Recipe, type RecipeTransforms } from '../train/recipes.ts';
import type { TrainSettings } from '../train/settings.ts';
import { augmentedWith } from '../transforms/augmentation.ts';
import type { Transform } from '../transforms/transforms.ts';
import { checkpointPath } from './checkpointPath.ts';
import type { Job } from './job.ts';
import { resizing } from './look.ts';

/** What a training is to begin with. */
type Wanted = Pick<
  Job,
  'model' | 'variants' | 'augmentation' | 'recipe' | 'from' | 'weights' | 'imageSize' | 'device' | 'dtype'
> & {
  /** The data set to train on, as it was given. */
  readonly data: unknown;
  /** Says nothing of what was taken from a checkpoint. */
  readonly quiet?: boolean | undefined;
};

/** What a training begins with, before its images are open. */
export interface Beginning {
  readonly wanted: Wanted;
  /** Of a model that is no checkpoint's. */
  readonly preset: PresetName;
  readonly recipe: Recipe | undefined;
  readonly settings: TrainSettings;
  /** Whether the sizes of training images are the recipe's, for nobody gave others. */
  readonly recipeSizes: boolean;
}

/**
 * What a training begins with: of a recipe, and what is given beside it.
 *
 * @throws ERR_UNKNOWN_NAME, ERR_CONFIG for a wrong setting, or a model beside a checkpoint.
 */
export function beginningOf(wanted: Wanted, given: Readonly<Record<string, unknown>>): Beginning {
  const { model, from } = wanted;
  if (from !== undefined && model !== undefined)
    throw expected('ERR_CONFIG', 'nothing beside --from, which has its model,', '--model', model);
  if (wanted.weights !== undefined && from === undefined)
    throw expected(
      'ERR_CONFIG',
      'a checkpoint to start from (--from) beside it,',
      '--weights',
      wanted.weights,
    );
  const [option] = Object.entries(wanted.variants ?? {});
  if (from !== undefined && option !== undefined)
    throw expected(
      'ERR_CONFIG',
      'nothing beside --from, which has its model,',
      `train.${option[0]}`,
      option[1],
    );
  const recipe = wanted.recipe === undefined ? undefined : findRecipe(wanted.recipe);
  const preset = oneOf<PresetName>(model ?? recipe?.model ?? 'lm_resnet20', presetNames, 'model');
  const settings = parseOptions(trainSchema, { ...recipe?.settings, ...given }, 'train');
  const recipeSizes = recipe?.settings.sizes !== undefined && given.sizes === undefined;
  return { wanted, preset, recipe, settings, recipeSizes };
}

/**
 * The settings for a network: sizes that a recipe has are for networks of its size; one that is given, by
 * itself or with a model or data of another, goes before.
 */
export function settingsFor(
  { wanted, recipe, settings, recipeSizes }: Beginning,
  { input }: Model,
): TrainSettings {
  const isOther = wanted.imageSize !== undefined || input.height !== recipe?.size;
  return recipeSizes && isOther ? { ...settings, sizes: undefined } : settings;
}

/** The model for a data set: a new one, or that of a checkpoint. */
export async function modelFor(
  { wanted, preset, recipe, settings }: Beginning,
  data: Dataset,
): Promise<Model> {
  const { from, imageSize, device, dtype } = wanted;
  const place = { seed: settings.seed, device, dtype };
  const recipeOptions = recipe?.modelOptions ?? {};
  const channels = data.size?.channels ?? 3;
  const input = imageSize === undefined ? undefined : ([channels, imageSize, imageSize] as const);
  return from === undefined
    ? createModel(preset, { data, input, ...recipeOptions, ...wanted.variants, ...place })
    : startFrom(from, { ...place, classNames: data.classNames }, wanted);
}

/** The model of a checkpoint, for other classes and images; says what it took. */
async function startFrom(
  given: string,
  options: LoadOptions,
  { imageSize, quiet, weights }: Wanted,
): Promise<Model> {
  const path = await checkpointPath(given, { quiet });
  const { channels } = (await readCheckpointInfo(path)).graph.input;
  const size = imageSize === undefined ? {} : { input: [channels, imageSize, imageSize] as const };
  const model = await Model.load(path, { ...options, ...size, weights });
  const { matched, fresh } = model.loaded ?? { matched: [], fresh: [] };
  const anew =
    fresh.length === 0 ? 'none begins anew' : `anew, the checkpoint's left out: ${fresh.join(', ')}`;
  if (!quiet) console.error(`${path}: ${matched.length} tensors taken; ${anew}`);
  return model;
}

/** What happens to the images of a training, on the command line. */
export interface ChosenTransforms extends RecipeTransforms {
  /** Side to which pixels in memory are brought first; files get it by their transforms. */
  readonly side?: number | undefined;
}

/**
 * The transforms of a recipe, with what is chosen beside it; what is to be learned by heart is not augmented.
 *
 * @throws ERR_CONFIG for a choice where the data set has a whole transform of its own.
 */
export function transformsOf(
  { recipe, settings: { overfitBatches }, wanted: { augmentation = {}, imageSize: side } }: Beginning,
  { input }: Model,
  { transform, size }: Dataset,
): ChosenTransforms {
  const sides = input.height === input.width ? input.height : ([input.height, input.width] as const);
  const [choice] = Object.entries(augmentation);
  if (transform !== undefined && choice !== undefined)
    throw expected(
      'ERR_CONFIG',
      'nothing beside the transform of the data set',
      `train.${choice[0]}`,
      choice[1],
    );
  const whole = recipe?.transforms?.(sides) ?? {};
  const found = augmentedWith(whole, augmentation, { size: sides, files: size === null });
  return { train: overfitBatches === undefined ? found.train : found.test, test: found.test, side };
}

/** Gives a model what its evaluations would do to files, where a training has none that say so. */
export function adoptLook(model: Model, { test }: ChosenTransforms): void {
  const core = coreOf(model);
  if (test !== undefined) core.preprocessing = { ...core.preprocessing, transform: test };
}

/** A data set with a transform, unless it has its own; pixels of another side are resized before it. */
export function transformed(data: Dataset, transform: Transform | undefined, side?: number): Dataset {
  if (data.transform !== undefined) return data;
  const before = side === undefined ? [] : resizing(data, [side, side]);
  const whole = [...before, ...(transform ?? [])];
  return transform === undefined && whole.length === 0 ? data : data.with(whole);
}
