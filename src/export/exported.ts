/** What an export is made of: a network with its weights, of a model or straight from a checkpoint. */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { readCheckpoint, type TensorsByPath } from '../checkpoint/checkpoint.ts';
import { expected, isLmError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { ModelInput } from '../loading/modelInput.ts';
import { noAverage } from '../model/create.ts';
import { Model } from '../model/model.ts';
import { evaluateShape } from '../model/options.ts';
import type { Dtype } from '../native/binding.ts';

/** Options of `exportOnnx` and `exportTorch`. */
export interface ExportOptions {
  /** `value` (default), or `ema`: the average that a training with `modelEma` keeps. */
  readonly weights?: 'value' | 'ema' | undefined;
}

/** The schema of these options; the flags of the command line are made of it. */
export const exportSchema: z.ZodType<{ readonly weights: 'value' | 'ema' }, ExportOptions> = z.object({
  weights: evaluateShape.weights,
});

/** A network with its weights, and what its users have to know. */
export interface Exported {
  readonly graph: Graph;
  readonly classNames: readonly string[];
  readonly input: ModelInput;
  readonly dtype: Dtype;
  /** Weights and running statistics, row-major; all of them finite. */
  readonly tensors: TensorsByPath;
}

/**
 * What there is to export.
 *
 * @param source a model, or the path of a checkpoint, which needs no libtorch.
 * @param files that will be written: none of them may be the checkpoint.
 * @throws ERR_CONFIG for a wrong argument, or where there is no average; ERR_NOT_FINITE naming a tensor that
 *   is not finite; ERR_CHECKPOINT, ERR_FILE; ERR_CLOSED.
 */
export async function exportedOf(
  source: Model | string,
  files: readonly string[],
  options: ExportOptions,
): Promise<Exported> {
  const { weights } = parseOptions(exportSchema, options, 'export');
  for (const file of files)
    if (typeof file !== 'string' || file === '') throw expected('ERR_CONFIG', 'a path', 'file', file);
  const found = typeof source === 'string' ? ofCheckpoint(source, files, weights) : ofModel(source, weights);
  const exported = await found;
  checkFinite(exported);
  return exported;
}

async function ofCheckpoint(
  path: string,
  files: readonly string[],
  weights: 'value' | 'ema',
): Promise<Exported> {
  for (const file of files) await refuseSame(path, file);
  const { graph, classNames, preprocessing, dtype, sets } = await readCheckpoint(path);
  const tensors = sets.get(weights);
  if (tensors === undefined) throw noAverage(`\`${path}\``);
  return { graph, classNames, dtype, tensors, input: { ...graph.input, ...preprocessing } };
}

async function ofModel(model: Model, weights: 'value' | 'ema'): Promise<Exported> {
  if (!(model instanceof Model))
    throw expected('ERR_CONFIG', 'a model, or the path of a checkpoint', 'model', model);
  const { graph, classNames, input, dtype } = model;
  const tensors = new Map<string, Float32Array | Float64Array>();
  for (const { path } of [...graph.params, ...graph.buffers])
    tensors.set(
      path,
      await model.readTensor(path, weights).catch((error: unknown) => {
        throw isLmError(error, 'ERR_UNKNOWN_NAME') ? noAverage(`the model "${graph.name}"`) : error;
      }),
    );
  return { graph, classNames, dtype, tensors, input };
}

/** A checkpoint is not overwritten by what is made of it. */
async function refuseSame(checkpoint: string, file: string): Promise<void> {
  const [from, to] = await Promise.all([checkpoint, file].map((path) => stat(path).catch(() => null)));
  if (!from || !to || from.dev !== to.dev || from.ino !== to.ino) return;
  throw expected('ERR_CONFIG', 'another file than the checkpoint', 'file', file, {
    hint: 'Give the export a name of its own; the checkpoint would be lost.',
  });
}

function checkFinite({ tensors }: Exported): void {
  for (const [path, values] of tensors) checkNumbers(path, values);
}

/**
 * Checks that the values of a tensor are numbers.
 *
 * @throws ERR_NOT_FINITE.
 */
export function checkNumbers(path: string, values: Float32Array | Float64Array): void {
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong === undefined) return;
  throw expected('ERR_NOT_FINITE', 'finite numbers', path, wrong, {
    hint: 'The weights give no numbers; export an earlier checkpoint of the run.',
  });
}
