/** Reading, replacing and copying the tensors of a model. */
import { parseOptions } from '../check.ts';
import { didYouMean, expected } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { TensorSet } from '../native/binding.ts';
import { type Core, checkIdle, opened } from './core.ts';
import { tensorSetSchema } from './options.ts';

/** One tensor, row-major. */
export function readTensor(core: Core, path: string, set: TensorSet): Promise<Float32Array | Float64Array> {
  checkKnown(core, path, set);
  return opened(core).readTensor(path, set);
}

/** Replaces one tensor. */
export function writeTensor(
  core: Core,
  path: string,
  set: TensorSet,
  values: Float32Array | Float64Array,
): Promise<void> {
  checkKnown(core, path, set);
  checkIdle(core, 'write its tensors');
  return opened(core).writeTensor(path, set, values);
}

/** Weights and statistics of another model become those of this one; its paths, by those here. */
export function copyTensors(core: Core, other: Core, paths: ReadonlyMap<string, string>): Promise<void> {
  checkIdle(core, 'write its tensors');
  const tensors = { from: 'value', into: 'value', paths: Object.fromEntries(paths) } as const;
  return opened(core).copy(opened(other), tensors);
}

function checkKnown({ graph }: Core, path: string, set: TensorSet): void {
  parseOptions(tensorSetSchema, set, 'set');
  const paths = pathsOf(graph);
  if (!paths.has(path))
    throw expected('ERR_UNKNOWN_NAME', 'a tensor of the model', 'path', path, {
      hint: didYouMean(String(path), [...paths]),
    });
}

/** Paths of the tensors of graphs, made once for each: a deep net has tens of thousands, read one by one. */
const known = new WeakMap<Graph, ReadonlySet<string>>();

function pathsOf(graph: Graph): ReadonlySet<string> {
  const found = known.get(graph) ?? new Set([...graph.params, ...graph.buffers].map(({ path }) => path));
  known.set(graph, found);
  return found;
}
