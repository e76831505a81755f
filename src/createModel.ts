import { Model } from './model/model.ts';
import type { ModelOptions } from './model/options.ts';
import { type PresetName, type PresetOptions, preset } from './models/presets.ts';

/**
 * A built-in model with fresh weights.
 *
 * @throws ERR_UNKNOWN_NAME with the nearest name; as `preset` and `Model.create`.
 * @example
 * const model = await createModel('lm_resnet20', { classes: 10, input: [1, 28, 28], seed: 1 });
 */
export async function createModel(
  name: PresetName,
  options: PresetOptions & ModelOptions = {},
): Promise<Model> {
  const { device, dtype, seed, classNames, transform, exif, sixteenBit, ...rest } = options;
  const made = { device, dtype, seed, classNames, transform, exif, sixteenBit };
  return Model.create(preset(name, rest), made);
}
