import { type KnownName, oneOf, type Suggesting } from './check.ts';
import { readSafetensors, type Tensor } from './checkpoint/safetensors.ts';
import { LmError } from './errors.ts';
import type { Graph } from './graph/graph.ts';
import { Model } from './model/model.ts';
import type { ModelOptions } from './model/options.ts';
import { type PresetOptions, preset } from './models/presets.ts';
import { type TorchvisionModel, torchvisionModels, torchvisionName } from './models/torchvision.ts';

/** Options of `importTorchvision`. */
export type ImportOptions = Pick<PresetOptions, 'classes' | 'input' | 'mean' | 'std'> &
  Omit<ModelOptions, 'seed'>;

/**
 * A model with the weights of one of torchvision's: its state dict as `safetensors.torch.save_file` writes
 * it. Counters of batches are left out. Inputs are normalised as torchvision's are, by ImageNet's mean and
 * deviation, unless `mean` and `std` say otherwise.
 *
 * @param name one of `torchvisionModels`.
 * @param options.classes of a model that was trained further; default: as many as `classNames`, else 1000.
 * @param options.dtype default 'float32'.
 * @param options.transform of evaluations and predictions; default `imagenetEval(224)`, which torchvision's
 *   first weights have (`IMAGENET1K_V1`;
 *   V2 have `imagenetEval(224, 232)`).
 * @throws ERR_UNKNOWN_NAME for another model; ERR_CHECKPOINT for a torn file, or one whose tensors are not
 *   those of the model;
 *   ERR_FILE when it cannot be read; as `preset` and `Model.create`.
 * @example
 * const model = await importTorchvision('resnet18', 'resnet18.safetensors');
 * await model.save('model.safetensors');
 */
export async function importTorchvision<const N extends Suggesting<TorchvisionModel>>(
  name: KnownName<N, TorchvisionModel>,
  file: string,
  options: ImportOptions = {},
): Promise<Model> {
  const known = oneOf(name, torchvisionModels, 'torchvision model');
  const { device, dtype, classNames, transform, exif, sixteenBit, ...rest } = options;
  const made = { device, dtype, classNames, transform, exif, sixteenBit };
  const classes = rest.classes ?? classNames?.length;
  return importWeights(preset(known, { ...rest, classes }), file, made);
}

/** As `importTorchvision`, for any graph that is built as torchvision's ResNets are. @internal */
export async function importWeights(graph: Graph, file: string, options: ModelOptions): Promise<Model> {
  const { tensors } = await readSafetensors(file);
  const values = matched(graph, file, tensors);
  const model = await Model.create(graph, options);
  try {
    for (const [path, data] of values) await model.writeTensor(path, data);
    return model;
  } catch (error) {
    await model.close();
    throw error;
  }
}

type Floats = Float32Array | Float64Array;

/** Every tensor of a graph from those of a file. */
function matched(graph: Graph, file: string, tensors: ReadonlyMap<string, Tensor>): Map<string, Floats> {
  const values = new Map<string, Floats>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  const expected = [...graph.params, ...graph.buffers].map(({ path, shape }) => ({
    path,
    shape,
    name: torchvisionName(path),
  }));
  for (const { path, shape, name } of expected) {
    const tensor = tensors.get(name);
    if (tensor === undefined) missing.push(name);
    else if (tensor.shape.join() !== shape.join() || !isFloats(tensor.data))
      misshapen.push(`${name} ${tensor.dtype} [${tensor.shape.join(', ')}] for [${shape.join(', ')}]`);
    else values.set(path, tensor.data);
  }
  const names = new Set(expected.map(({ name }) => name));
  const extra = [...tensors.keys()].filter((name) => !names.has(name) && !name.endsWith(counter));
  const defects = [
    ...listed('without', missing),
    ...listed('with the unknown', extra),
    ...listed('with', misshapen),
  ];
  if (defects.length === 0) return values;
  throw new LmError(
    'ERR_CHECKPOINT',
    `Expected torchvision's weights of ${graph.name} for \`${file}\` but received tensors ${defects.join('; ')}`,
    { hint: hintFor(tensors, misshapen) },
  );
}

const counter = '.num_batches_tracked';
const isFloats = (data: Tensor['data']): data is Floats =>
  data instanceof Float32Array || data instanceof Float64Array;

/** "what a, b, c and 5 more", or nothing. */
function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return [`${what} ${names.slice(0, 3).join(', ')}${more}`];
}

function hintFor(tensors: ReadonlyMap<string, Tensor>, misshapen: readonly string[]): string {
  const classes = tensors.get('fc.bias')?.shape[0];
  if (misshapen.length > 0 && misshapen.every((text) => text.startsWith('fc.')) && classes !== undefined)
    return `These weights are of ${classes} classes: say so with { classes: ${classes} }.`;
  return 'Name the model that the file is of, and save its state_dict() with safetensors.torch.save_file.';
}
