/** Making a model: with fresh weights, or with those of a checkpoint. */
import { parseOptions } from '../check.ts';
import { readCheckpoint, type TensorsByPath } from '../checkpoint/checkpoint.ts';
import { expected, LmError } from '../errors.ts';
import { mostClasses } from '../graph/classes.ts';
import { Graph } from '../graph/graph.ts';
import { checkInputOrder } from '../graph/inputOrder.ts';
import type { Dtype, NativeModel } from '../native/binding.ts';
import { native } from '../native/load.ts';
import { type Preprocessing, preprocessingOf, transformTo } from '../transforms/preprocessing.ts';
import { adapt, type LoadReport, loadReport } from './adapt.ts';
import { type Core, opened } from './core.ts';
import { chosenDevice } from './device.ts';
import { createSchema, type LoadOptions, loadSchema, type ModelOptions } from './options.ts';

/** A model with fresh weights. */
export function create(graph: Graph, options: ModelOptions): Core {
  if (!(graph instanceof Graph)) throw expected('ERR_CONFIG', 'a Graph', 'graph', graph);
  const { dtype = 'float32', ...rest } = parseOptions(createSchema, options, 'model');
  return make(graph, { ...rest, dtype, preprocessing: preprocessingOf(sidesOf(graph), rest), loaded: null });
}

/** A model from a checkpoint, adapted where other classes or another size are asked for. */
export async function load(path: string, options: LoadOptions): Promise<Core> {
  const { device, seed, weights, ...wanted } = parseOptions(loadSchema, options, 'model');
  checkInputOrder(wanted.input, 'model.input');
  const { graph, classNames, dtype, preprocessing, sets } = await readCheckpoint(path);
  const values = sets.get(weights);
  if (values === undefined) throw noAverage(`\`${path}\``);
  const adapted = adapt(graph, classNames, wanted);
  const loaded = loadReport(adapted);
  const hasNew = loaded.fresh.length > 0;
  const core = make(adapted.graph, {
    device,
    dtype: wanted.dtype ?? dtype,
    seed: hasNew ? seed : null,
    classNames: adapted.classNames,
    preprocessing: preprocessingOf(sidesOf(adapted.graph), wanted, {
      ...preprocessing,
      transform: transformTo(preprocessing.transform, sidesOf(graph), sidesOf(adapted.graph)),
    }),
    loaded,
  });
  return filled(core, async (made) => {
    const fill = async (set: 'value' | 'ema', from: TensorsByPath | undefined): Promise<void> => {
      const found = [...(from ?? [])].filter(([name]) => !adapted.fresh.has(name));
      await Promise.all(found.map(([name, tensor]) => made.writeTensor(name, set, tensor)));
    };
    await fill('value', values);
    if (!hasNew && weights === 'value') await fill('ema', sets.get('ema')); // it would lack the new layer
  });
}

/** The error of a model without averaged weights; `of` names it. */
export function noAverage(of: string): LmError {
  const hint = 'An average is kept by a training with `modelEma`; take the weights themselves: "value".';
  return new LmError('ERR_CONFIG', `Expected averaged weights of ${of} but received a model without any`, {
    hint,
  });
}

/** A compute thread of its own, from 1, and how many threads it has in its team. */
export interface Lane {
  readonly lane: number;
  readonly threads: number;
}

/** A second model of the same network on the same device, with the same weights and statistics. */
export async function copy(core: Core, lane?: Lane): Promise<Core> {
  const { graph, device, dtype, classNames, preprocessing } = core;
  const from = opened(core);
  const copied = make(graph, { device, dtype, seed: null, classNames, preprocessing, loaded: null, lane });
  return filled(copied, (made) => made.copy(from, { from: 'value', into: 'value' }));
}

/** A model once its weights are there; it is closed where they cannot be. */
async function filled(core: Core, fill: (made: NativeModel) => Promise<void>): Promise<Core> {
  try {
    await fill(core.native);
    return core;
  } catch (error) {
    core.native.close();
    throw error;
  }
}

interface Made {
  readonly device: string;
  readonly dtype: Dtype;
  /** Null: no weights are drawn. */
  readonly seed: number | null;
  readonly classNames?: readonly string[] | undefined;
  readonly preprocessing: Preprocessing;
  readonly loaded: LoadReport | null;
  readonly lane?: Lane | undefined;
}

/** Height and width of the images that a network is made for. */
function sidesOf({ input }: Graph): readonly [height: number, width: number] {
  return [input.height, input.width];
}

function make(graph: Graph, { device: wanted, seed, classNames: names, lane, ...rest }: Made): Core {
  if (graph.classes > mostClasses)
    throw expected('ERR_CONFIG', `at most ${mostClasses} classes`, 'model.classes', graph.classes);
  const addon = native();
  const device = chosenDevice(wanted);
  const classNames = names ?? Array.from({ length: graph.classes }, (_, i) => String(i));
  if (classNames.length !== graph.classes)
    throw expected('ERR_CONFIG', `${graph.classes} names`, 'model.classNames.length', classNames.length);
  const made = new addon.Model(graph.toSpec(), { device, dtype: rest.dtype, seed, ...lane });
  return { graph, device, classNames, ...rest, native: made, training: null, closing: null };
}
