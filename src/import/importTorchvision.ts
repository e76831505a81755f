import type { KnownName, Suggesting } from '../check.ts';
import { readSafetensors } from '../checkpoint/safetensors.ts';
import type { Graph } from '../graph/graph.ts';
import { Model } from '../model/model.ts';
import type { ModelOptions } from '../model/options.ts';
import { type PresetOptions, preset } from '../models/presets.ts';
import type { TorchvisionModel } from '../models/torchvision.ts';
import { transformTo } from '../transforms/preprocessing.ts';
import { namedWeights, type TimmName } from './namedWeights.ts';
import { matched } from './stateDict.ts';

/** Options of `importTorchvision`. */
export type ImportOptions = Pick<PresetOptions, 'classes' | 'input' | 'mean' | 'std'> &
  Omit<ModelOptions, 'seed'>;

/**
 * A model with the weights of one of torchvision's or timm's: its state dict as `safetensors.torch.save_file`
 * writes it, or `model.safetensors` of timm's hub. Counters of batches are left out, and a prefix that all
 * names share, such as `module.` or `_orig_mod.`. Inputs are normalised as torchvision's are, by ImageNet's
 * mean and deviation; a name with a tag of timm's brings the mean, deviation, size and transform that timm
 * tests these weights with. What `options` say wins.
 *
 * @param name one of `torchvisionModels`, or timm's: `resnet50.a1_in1k`, `timm/resnet50.a1_in1k`,
 *   `tv_resnet50`.
 * @param options.classes of a model that was trained further; default: as many as `classNames`, else 1000.
 * @param options.dtype default 'float32'.
 * @param options.transform of evaluations and predictions; default without a tag `imagenetEval(224)`, which
 *   torchvision's first weights have (`IMAGENET1K_V1`; V2 have `imagenetEval(224, 232)`).
 * @throws ERR_UNKNOWN_NAME for another model; ERR_CHECKPOINT for a torn file, one of another format (with the
 *   command that converts a file of torch.save), or one whose tensors are not those of the model;
 *   ERR_FILE when it cannot be read; as `preset` and `Model.create`.
 * @example
 * const model = await importTorchvision('resnet50.a1_in1k', 'model.safetensors');
 * await model.save('resnet50.safetensors');
 */
export async function importTorchvision<const N extends Suggesting<TorchvisionModel | TimmName>>(
  name: KnownName<N, TorchvisionModel | TimmName>,
  file: string,
  options: ImportOptions = {},
): Promise<Model> {
  const { model, test } = namedWeights(name);
  const { device, dtype, classNames, transform, exif, sixteenBit, ...rest } = options;
  const given = { ...rest, classes: rest.classes ?? classNames?.length };
  const made = { device, dtype, classNames, transform, exif, sixteenBit };
  if (test === null) return importWeights(preset(model, given), file, made);
  const { side, mean, std } = test;
  const graph = preset(model, {
    ...given,
    input: given.input ?? [3, side, side],
    mean: given.mean ?? mean,
    std: given.std ?? std,
  });
  const own = transformTo(test.transform, [side, side], [graph.input.height, graph.input.width]);
  return importWeights(graph, file, { ...made, transform: transform ?? own });
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
