import { open } from 'node:fs/promises';
import { basename, join, parse } from 'node:path';
import { writeSafetensors } from '../checkpoint/safetensors.ts';
import type { TensorEntry } from '../checkpoint/tensorEntry.ts';
import { expected } from '../errors.ts';
import { errnoOf, fileError, replaceFile } from '../files.ts';
import type { Model } from '../model/model.ts';
import { type TorchvisionModel, torchvisionName, torchvisionTwin } from '../models/torchvision.ts';
import { must } from '../must.ts';
import { type Exported, type ExportOptions, exportedOf } from './exported.ts';
import { mark, moduleText } from './torch/module.ts';
import { torchNames } from './torch/names.ts';

/** What `exportTorch` wrote. */
export interface TorchExport {
  /** The state dict. */
  readonly file: string;
  /** The model of torchvision that takes it; null where there is none. */
  readonly torchvision: TorchvisionModel | null;
  /** The Python file with a module that takes it; null where torchvision has one. */
  readonly module: string | null;
}

/**
 * Writes the weights of a network as a PyTorch state dict (safetensors), in the model's type. One of
 * torchvision's ResNets has torchvision's names, its counters of batches (0) included:
 * `torchvision.models.resnet18(num_classes=10).load_state_dict(load_file(file))`. Any other network keeps the
 * paths of its tensors as names, and a Python file of the same name beside it (`model.safetensors`,
 * `model.py`) has the module: `model.load()` gives the logits of `model.logits`. It is the network in
 * evaluation, whatever the mode: batch norms use their running statistics, noise is at its expectation.
 * Metadata: `format` (pt), `name`, `classNames` and `preprocessing` (JSON, what `model.input` is).
 *
 * @param source a model, or the path of a checkpoint, for which no libtorch is needed. During a
 *   training a model's tensors are read between its steps, not all of them after the same one.
 * @param file is replaced where it exists; never the checkpoint itself. So is the Python file, if an export
 *   wrote it.
 * @param options.weights `value` (default), or `ema`: the average that a training with `modelEma` keeps.
 * @returns the files, and the model of torchvision if it is one.
 * @throws ERR_CONFIG for a wrong argument, a Python file in the way, or where there is no average;
 *   ERR_NOT_FINITE naming a tensor that is not finite; ERR_CHECKPOINT for a torn or foreign file, ERR_FILE
 *   when the file system refuses; ERR_CLOSED.
 * @example
 * const { module } = await exportTorch('runs/lm_resnet20/checkpoint.safetensors', 'model.safetensors');
 */
export async function exportTorch(
  source: Model | string,
  file: string,
  options: ExportOptions = {},
): Promise<TorchExport> {
  const module = typeof file === 'string' ? moduleOf(file) : file;
  const exported = await exportedOf(source, [file, module], options);
  const torchvision = torchvisionTwin(exported.graph);
  if (torchvision !== null) {
    await writeSafetensors(file, torchvisionEntries(exported), metadataOf(exported));
    return { file, torchvision, module: null };
  }
  await refuseForeign(module);
  const names = torchNames(exported.graph);
  const text = moduleText(exported, names, basename(file));
  await writeSafetensors(file, entriesOf(exported, names), metadataOf(exported));
  await replaceFile(module, (opened) => opened.writeFile(text));
  return { file, torchvision, module };
}

/** The Python file beside a file of weights. */
function moduleOf(file: string): string {
  const { dir, name, ext } = parse(file);
  if (ext === '.py')
    throw expected('ERR_CONFIG', 'a file for the weights, such as model.safetensors,', 'file', file, {
      hint: 'The Python file is written beside it, under the same name.',
    });
  return join(dir, `${name}.py`);
}

/** What somebody else wrote stays. */
async function refuseForeign(module: string): Promise<void> {
  const start = await startOf(module);
  if (start === null || start === mark) return;
  throw expected('ERR_CONFIG', 'no file, or one of an earlier export,', module, 'another', {
    hint: 'The Python file of the network would replace it: give the weights another name.',
  });
}

/** As many letters of a file as the mark has; null where there is no file. */
async function startOf(path: string): Promise<string | null> {
  const start = Buffer.alloc(mark.length);
  try {
    const file = await open(path);
    await file.read(start, 0, start.length, 0).finally(() => file.close());
    return start.toString('latin1');
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return null;
    throw fileError(cause, 'a file to replace', path);
  }
}

function entriesOf({ graph, tensors }: Exported, names: ReadonlyMap<string, string>): TensorEntry[] {
  return [...graph.params, ...graph.buffers].map(({ path, shape }) => {
    const data = must(tensors.get(path));
    return { name: must(names.get(path)), dtype: data instanceof Float64Array ? 'F64' : 'F32', shape, data };
  });
}

/** With a counter for every batch norm, as its state dict has it. */
function torchvisionEntries(exported: Exported): TensorEntry[] {
  const { params, buffers } = exported.graph;
  const names = new Map([...params, ...buffers].map(({ path }) => [path, torchvisionName(path)]));
  return entriesOf(exported, names).flatMap((entry) => {
    if (!entry.name.endsWith('.running_var')) return [entry];
    const name = entry.name.replace(/running_var$/, 'num_batches_tracked');
    return [entry, { name, dtype: 'I64', shape: [], data: BigInt64Array.of(0n) }];
  });
}

function metadataOf({ graph, classNames, input }: Exported): Readonly<Record<string, string>> {
  return {
    format: 'pt',
    name: graph.name,
    classNames: JSON.stringify(classNames),
    preprocessing: JSON.stringify(input),
  };
}
