import { oneOf } from '../check.ts';
import type { TrainSettingsInput } from './options.ts';
import { oneCycle } from './schedules.ts';

interface Recipe {
  readonly settings: TrainSettingsInput;
  /** Where it comes from, and what it reached. */
  readonly source: string;
}

/** Name of a recipe. */
export type RecipeName = 'mnist-onecycle';

/** Known recipes, one row each. */
export const recipes: Readonly<Record<RecipeName, Recipe>> = {
  'mnist-onecycle': {
    settings: { epochs: 1, batch: 128, lr: 0.2, momentum: 0.9, weightDecay: 1e-4, schedule: oneCycle() },
    source: 'One epoch of one-cycle SGD (Smith, Topin 2017); lm_resnet20 passes 99 % top-1 on MNIST',
  },
};

/** Names of the known recipes. */
export const recipeNames: readonly RecipeName[] = ['mnist-onecycle'];

/**
 * The settings of a recipe, to be changed in part.
 *
 * @throws ERR_UNKNOWN_NAME with the nearest name.
 * @example
 * train(model, data, { ...recipe('mnist-onecycle'), epochs: 3 });
 */
export function recipe(name: RecipeName): TrainSettingsInput {
  return recipes[oneOf(name, recipeNames, 'recipe')].settings;
}
