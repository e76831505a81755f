/**
 * Checkpoints: one safetensors file with the graph, the class names, what happens to image files and the
 * state of the run in its metadata, and every
 * tensor inside. It serves without the code that made it, and equal runs give equal bytes: no clock, no path.
 */
import { z } from 'zod';
import { LmError } from '../errors.ts';
import { Graph } from '../graph/graph.ts';
import { parseJson } from '../json.ts';
import { must } from '../must.ts';
import { type Dtype, type NativeModel, type TensorSet, tensorSets } from '../native/binding.ts';
import { type Preprocessing, preprocessingOf, preprocessingSchema } from '../transforms/preprocessing.ts';
import { readSafetensors, readSafetensorsHeader, type Tensor, writeSafetensors } from './safetensors.ts';
import type { SafetensorsHeader } from './safetensorsHeader.ts';
import type { TensorEntry, TensorValues } from './tensorEntry.ts';

/** Version of the checkpoint format; a reader refuses a newer one. */
export const checkpointVersion = 1;

/** Name of a tensor in the file: weights and statistics by their path alone. */
const nameOf = (set: TensorSet, path: string): string => (set === 'value' ? path : `${set}:${path}`);

/** What a checkpoint holds beside its tensors. */
export interface CheckpointInfo {
  readonly graph: Graph;
  readonly classNames: readonly string[];
  readonly dtype: Dtype;
  /** What happens to image files in evaluations and predictions; mean and deviation are the graph's. */
  readonly preprocessing: Preprocessing;
  /** Settings and progress of the run that made it; null for a model that was saved by itself. */
  readonly run: Readonly<Record<string, unknown>> | null;
}

/**
 * Writes a checkpoint, as a whole or not at all.
 *
 * @param sets what goes in beside the values.
 * @throws ERR_FILE when the file system refuses.
 */
export async function writeCheckpoint(
  path: string,
  info: CheckpointInfo,
  model: NativeModel,
  sets: readonly TensorSet[],
): Promise<void> {
  await writeSafetensors(path, entries(info, model, sets), metadataOf(info));
}

/** Writes a checkpoint of the moment when it was taken. */
export type Snapshot = (path: string) => Promise<void>;

/**
 * Copies what a checkpoint holds, to be written while the model changes: all tensors are of one moment when
 * no step runs meanwhile.
 *
 * @throws ERR_CLOSED; the snapshot itself throws ERR_FILE.
 */
export async function takeSnapshot(
  info: CheckpointInfo,
  model: NativeModel,
  sets: readonly TensorSet[],
): Promise<Snapshot> {
  const copies = await Promise.all(
    entries(info, model, sets).map(async ({ data, ...entry }) => ({ ...entry, data: await data() })),
  );
  return (path) => writeSafetensors(path, copies, metadataOf(info));
}

function metadataOf(info: CheckpointInfo): Readonly<Record<string, string>> {
  const { graph, classNames, dtype, preprocessing, run } = info;
  return {
    format: 'lm-resnet',
    version: String(checkpointVersion),
    dtype,
    graph: JSON.stringify(graph.toSpec()),
    classNames: JSON.stringify(classNames),
    preprocessing: JSON.stringify(preprocessing),
    run: JSON.stringify(run),
  };
}

/** The tensors of a set: running statistics have values and an average, but no moments. */
function specsOf(graph: Graph, set: TensorSet): readonly { path: string; shape: readonly number[] }[] {
  return set === 'value' || set === 'ema' ? [...graph.params, ...graph.buffers] : graph.params;
}

/** A tensor that is read when its turn comes. */
type LazyEntry = TensorEntry & { readonly data: () => Promise<TensorValues> };

function entries(
  { graph, dtype }: CheckpointInfo,
  model: NativeModel,
  sets: readonly TensorSet[],
): LazyEntry[] {
  const type = dtype === 'float64' ? 'F64' : 'F32';
  const all = (['value', ...sets] as const).flatMap((set) =>
    specsOf(graph, set).map(({ path, shape }) => ({ set, path, shape })),
  );
  return all.map(({ set, path, shape }) => ({
    name: nameOf(set, path),
    dtype: type,
    shape,
    data: (): Promise<TensorValues> => model.readTensor(path, set),
  }));
}

/**
 * Graph, class names and run of a checkpoint, without its tensors.
 *
 * @throws ERR_CHECKPOINT for a torn, foreign or newer file, ERR_FILE when it cannot be read.
 */
export async function readCheckpointInfo(path: string): Promise<CheckpointInfo> {
  return parseInfo(path, (await readSafetensorsHeader(path)).metadata);
}

/** Tensors by path. */
export type TensorsByPath = ReadonlyMap<string, Float32Array | Float64Array>;

/**
 * A checkpoint's tensors: `value` has all weights and buffers that the graph names, the other sets what the
 * file has of them.
 */
export interface CheckpointTensors {
  readonly sets: ReadonlyMap<TensorSet, TensorsByPath>;
}

/**
 * Reads a checkpoint whole and checks that it is complete.
 *
 * @throws ERR_CHECKPOINT for a torn, foreign or newer file or a missing tensor, ERR_FILE when it cannot be
 *   read.
 */
export async function readCheckpoint(path: string): Promise<CheckpointInfo & CheckpointTensors> {
  // Before memory is taken for a tensor.
  const header = await readSafetensorsHeader(path);
  const info = parseInfo(path, header.metadata);
  checkTensors(path, info.graph, header);
  const { tensors, verified } = await readSafetensors(path);
  if (!verified) throw defect(path, 'has lost its digest');
  const sets = new Map<TensorSet, TensorsByPath>();
  for (const set of tensorSets) {
    const found = readSet(path, info.graph, set, tensors);
    if (found !== null) sets.set(set, found);
  }
  return { ...info, sets };
}

/** Every tensor of the file is one of the graph's. */
function checkTensors(path: string, graph: Graph, { tensors }: SafetensorsHeader): void {
  const shapes = new Map(
    tensorSets.flatMap((set) => specsOf(graph, set).map(({ path: of, shape }) => [nameOf(set, of), shape])),
  );
  for (const { name, shape } of tensors) {
    const wanted = shapes.get(name);
    if (wanted === undefined) throw defect(path, `has a tensor "${name}" that its graph does not`);
    checkShape(path, name, shape, wanted);
  }
}

/** All tensors of a set; null for a set that the file does not have. */
function readSet(
  path: string,
  graph: Graph,
  set: TensorSet,
  tensors: ReadonlyMap<string, Tensor>,
): TensorsByPath | null {
  const specs = specsOf(graph, set).map((spec) => ({ ...spec, name: nameOf(set, spec.path) }));
  if (set !== 'value' && !specs.some(({ name }) => tensors.has(name))) return null;
  return new Map(
    specs.map(({ path: of, shape, name }) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw defect(path, `lacks the tensor "${name}"`);
      return [of, floats(path, name, tensor, shape)];
    }),
  );
}

function floats(
  path: string,
  name: string,
  { data, shape: found }: Tensor,
  shape: readonly number[],
): Float32Array | Float64Array {
  checkShape(path, name, found, shape);
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  throw defect(path, `has "${name}" in a type that is not a float`);
}

function checkShape(path: string, name: string, found: readonly number[], shape: readonly number[]): void {
  if (found.join() === shape.join()) return;
  throw defect(
    path,
    `has "${name}" in shape [${found.join(', ')}] where its graph says [${shape.join(', ')}]`,
  );
}

/** The most values in the JSON of a graph; that of lm_resnet1202 has 182,018. */
const mostOfGraph = 3 * 2 ** 18;

const namesSchema = z.array(z.string());
const runSchema = z.record(z.string(), z.unknown()).nullable();
const dtypeSchema = z.enum(['float32', 'float64']);

function parseInfo(path: string, metadata: Readonly<Record<string, string>>): CheckpointInfo {
  if (metadata.format !== 'lm-resnet') {
    const hint =
      'It is a safetensors file of another program; only checkpoints of this package carry their graph. For weights of torchvision or timm: `lm-resnet convert`, `importTorchvision`.';
    throw defect(path, 'was not written by lm-resnet', hint);
  }
  if (!(Number(metadata.version) <= checkpointVersion))
    throw defect(
      path,
      `has format version ${metadata.version}`,
      'Update lm-resnet: npm install lm-resnet@latest.',
    );
  try {
    const graph = Graph.fromSpec(parseJson(metadata.graph ?? '', mostOfGraph));
    return {
      graph,
      classNames: namesSchema.length(graph.classes).parse(parseJson(metadata.classNames ?? '')),
      dtype: dtypeSchema.parse(metadata.dtype),
      preprocessing: parsePreprocessing(graph, metadata.preprocessing),
      run: runSchema.parse(parseJson(metadata.run ?? '')),
    };
  } catch (cause) {
    if (cause instanceof LmError && cause.code === 'ERR_CHECKPOINT') throw cause;
    const reason = reasonOf(cause);
    throw defect(path, `has metadata that cannot be read: ${reason}`, undefined, cause);
  }
}

/** The first thing that is wrong, in a sentence. */
function reasonOf(cause: unknown): string {
  if (cause instanceof z.ZodError) return must(cause.issues[0]).message;
  return cause instanceof Error ? cause.message : String(cause);
}

/** What a checkpoint does not say is as usual. */
function parsePreprocessing({ input }: Graph, text: string | undefined): Preprocessing {
  if (text === undefined) return preprocessingOf([input.height, input.width]);
  return preprocessingSchema.parse(parseJson(text));
}

function defect(
  path: string,
  what: string,
  hint = 'Take another copy of the file.',
  cause?: unknown,
): LmError {
  return new LmError(
    'ERR_CHECKPOINT',
    `Expected a checkpoint for \`${path}\` but received one that ${what}`,
    { hint, cause },
  );
}
