import type { KnownName, Suggesting } from './check.ts';
import { dataOptions } from './data/dataOptions.ts';
import { expected } from './errors.ts';
import type { Images } from './loading/images.ts';
import { Model } from './model/model.ts';
import type { ModelOptions } from './model/options.ts';
import { type PresetName, type PresetOptions, preset } from './models/presets.ts';

/** Options of `createModel`. */
export interface NewModelOptions extends PresetOptions, ModelOptions {
  /**
   * What it is to be trained on: size, mean and deviation of the images and the names of the classes are
   * taken from it where options beside it do not say them. Known data sets have their published mean and
   * deviation, other pixels in memory their own, files ImageNet's; files say no size.
   */
  readonly data?: Images | undefined;
}

/**
 * A built-in model with fresh weights; names of classes say how many classes there are.
 *
 * @throws ERR_UNKNOWN_NAME with the nearest name; as `preset` and `Model.create`.
 * @example
 * const data = await loadDataset('mnist', 'data', 'train');
 * const model = await createModel('lm_resnet20', { data, seed: 1 });
 * const pets = await createModel('resnet18', { classNames: ['cat', 'dog'] });
 */
export async function createModel<const N extends Suggesting<PresetName>>(
  name: KnownName<N, PresetName>,
  options: NewModelOptions = {},
): Promise<Model> {
  if (typeof options !== 'object' || options === null)
    throw expected('ERR_CONFIG', 'an object', 'options', options);
  const { data, device, dtype, seed, transform, exif, sixteenBit, classNames, ...rest } = options;
  const wanted = { ...rest, classes: rest.classes ?? classNames?.length };
  const found = data === undefined ? undefined : dataOptions(data);
  const graph = preset(name as PresetName, { ...wanted, ...lacking(wanted, found) });
  const names = classNames ?? (found?.classes === graph.classes ? found.classNames : undefined);
  return Model.create(graph, { device, dtype, seed, transform, exif, sixteenBit, classNames: names });
}

/** What the data says and the options do not; its statistics are those of its channels. */
function lacking(
  { input, mean, std, classes }: PresetOptions,
  found: ReturnType<typeof dataOptions> | undefined,
): PresetOptions {
  const size = input ?? found?.input;
  const fits = found?.mean !== undefined && (size === undefined || size[0] === found.mean.length);
  const statistics = fits ? { mean: mean ?? found.mean, std: std ?? found.std } : {};
  return { input: size, classes: classes ?? found?.classes, ...statistics };
}
