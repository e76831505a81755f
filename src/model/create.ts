/** Making a model: with fresh weights, or with those of a checkpoint. */
import { parseOptions } from '../check.ts';
import { readCheckpoint } from '../checkpoint/checkpoint.ts';
import { expected } from '../errors.ts';
import { Graph } from '../graph/graph.ts';
import type { Dtype } from '../native/binding.ts';
import { native } from '../native/load.ts';
import { adapt, type LoadReport, loadReport } from './adapt.ts';
import type { Core } from './core.ts';
import { createSchema, type LoadOptions, loadSchema, type ModelOptions } from './options.ts';

/** A model with fresh weights. */
export function create(graph: Graph, options: ModelOptions): Core {
  if (!(graph instanceof Graph)) throw expected('ERR_CONFIG', 'a Graph', 'graph', graph);
  const { dtype = 'float32', ...rest } = parseOptions(createSchema, options, 'model');
  return make(graph, { ...rest, dtype, loaded: null });
}

/** A model from a checkpoint, adapted where other classes or another size are asked for. */
export async function load(path: string, options: LoadOptions): Promise<Core> {
  const { device, seed, ...wanted } = parseOptions(loadSchema, options, 'model');
  const { graph, classNames, dtype, sets } = await readCheckpoint(path);
  const adapted = adapt(graph, classNames, wanted);
  const loaded = loadReport(adapted);
  const hasNew = loaded.fresh.length > 0;
  const core = make(adapted.graph, {
    device,
    dtype: wanted.dtype ?? dtype,
    seed: hasNew ? seed : null,
    classNames: adapted.classNames,
    loaded,
  });
  // An average would lack the new layer.
  for (const set of hasNew ? (['value'] as const) : (['value', 'ema'] as const)) {
    const found = [...(sets.get(set) ?? [])].filter(([name]) => !adapted.fresh.has(name));
    await Promise.all(found.map(([name, tensor]) => core.native.writeTensor(name, set, tensor)));
  }
  return core;
}

interface Made {
  readonly device: string;
  readonly dtype: Dtype;
  /** Null: no weights are drawn. */
  readonly seed: number | null;
  readonly classNames?: readonly string[] | undefined;
  readonly loaded: LoadReport | null;
}

function make(graph: Graph, { device: wanted, dtype, seed, classNames: names, loaded }: Made): Core {
  const addon = native();
  const device = wanted === 'auto' ? (addon.info().cudaDevices > 0 ? 'cuda' : 'cpu') : wanted;
  const classNames = names ?? Array.from({ length: graph.classes }, (_, i) => String(i));
  if (classNames.length !== graph.classes)
    throw expected('ERR_CONFIG', `${graph.classes} names`, 'model.classNames.length', classNames.length);
  const made = new addon.Model(graph.toSpec(), { device, dtype, seed });
  return { graph, dtype, device, classNames, loaded, native: made, training: null, closing: null };
}
