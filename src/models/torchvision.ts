/** Models that torchvision has too, names of its ResNet and ResNeXt tensors, and our paths. */
import { expected } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { must } from '../must.ts';
import { type PresetName, preset, presets } from './presets.ts';

/** A model whose weights torchvision has. */
export type TorchvisionModel = Extract<
  PresetName,
  | 'resnet18'
  | 'resnet34'
  | 'resnet50'
  | 'resnet101'
  | 'resnet152'
  | 'wide_resnet50_2'
  | 'wide_resnet101_2'
  | 'resnext50_32x4d'
  | 'resnext101_32x8d'
  | 'resnext101_64x4d'
>;

/** Models whose weights torchvision has. */
export const torchvisionModels: readonly TorchvisionModel[] = [
  'resnet18',
  'resnet34',
  'resnet50',
  'resnet101',
  'resnet152',
  'wide_resnet50_2',
  'wide_resnet101_2',
  'resnext50_32x4d',
  'resnext101_32x8d',
  'resnext101_64x4d',
];

/**
 * The model of torchvision that a graph is, number for number in evaluation: `load_state_dict` takes its
 * weights. Null where there is none.
 *
 * @example
 * torchvisionTwin(preset('resnet18', { classes: 10 })); // 'resnet18'
 */
export function torchvisionTwin(graph: Graph): TorchvisionModel | null {
  const { classes, input } = graph;
  if (input.channels !== 3) return null;
  const wanted = structure(graph);
  const ofDepth = torchvisionModels.filter(
    (name) => presets[name].steps.reduce((a, b) => a + b, 0) === graph.steps.length,
  );
  return ofDepth.find((name) => structure(preset(name, { classes })) === wanted) ?? null;
}

/** All of a graph that its values follow from, but for the weights. */
function structure({ nodes, params, buffers, coefs, output }: Graph): string {
  const shapes = [...params, ...buffers].map(({ path, shape }) => [path, shape]);
  return JSON.stringify([nodes, shapes, coefs, output]);
}

/** Our place and theirs; N stands for a number, and tensors of a layer have the same names. */
const places: readonly (readonly [ours: string, theirs: string])[] = [
  ['stem.conv', 'conv1'],
  ['stem.bn', 'bn1'],
  ['head.fc', 'fc'],
  ['stageN.stepN.f0.convN', 'layerN.N.convN'],
  ['stageN.stepN.f0.bnN', 'layerN.N.bnN'],
  ['stageN.stepN.shortcut.conv', 'layerN.N.downsample.0'],
  ['stageN.stepN.shortcut.bn', 'layerN.N.downsample.1'],
];

/**
 * Name in torchvision's and timm's state dicts of a tensor of a post-activation ResNet for ImageNet.
 *
 * @throws ERR_UNKNOWN_NAME for a path that these nets have not.
 * @example
 * torchvisionName('stage1.step0.f0.conv1.weight'); // 'layer1.0.conv1.weight'
 */
export function torchvisionName(path: string): string {
  const name = renamed(path, places);
  if (name !== undefined) return name;
  throw expected('ERR_UNKNOWN_NAME', 'a tensor of a ResNet in torchvision’s form', 'path', path);
}

/**
 * Path of the tensor that torchvision calls so; undefined for a name without one, such as
 * `bn1.num_batches_tracked`.
 *
 * @example
 * torchvisionPath('layer1.0.downsample.1.running_mean'); // 'stage1.step0.shortcut.bn.running_mean'
 */
export function torchvisionPath(name: string): string | undefined {
  return renamed(
    name,
    places.map(([ours, theirs]) => [theirs, ours]),
  );
}

const tensors = 'weight|bias|running_mean|running_var';

function renamed(name: string, table: readonly (readonly [string, string])[]): string | undefined {
  for (const [from, to] of table) {
    const pattern = from.replaceAll('.', '\\.').replaceAll('N', '(\\d+)');
    const [found, ...groups] = name.match(new RegExp(`^${pattern}\\.(${tensors})$`)) ?? [];
    if (found === undefined) continue;
    const place = to.replaceAll('N', () => must(groups.shift()));
    return `${place}.${groups[0]}`;
  }
  return undefined;
}
