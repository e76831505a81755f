/** A state dict of torchvision's or timm's, matched with the tensors of a graph. */
import type { Tensor } from '../checkpoint/safetensors.ts';
import { LmError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { torchvisionName } from '../models/torchvision.ts';

type Floats = Float32Array | Float64Array;
type Tensors = ReadonlyMap<string, Tensor>;

/** Integers that count, and are no weights: of batches, of averaged models. */
const counter = /(^|\.)(num_batches_tracked|n_averaged)$/;

/**
 * Every tensor of a graph, by its path, from those of a file, whose names may share a prefix.
 *
 * @throws ERR_CHECKPOINT for tensors that are missing, unknown, or of another shape or type.
 */
export function matched(graph: Graph, file: string, tensors: Tensors): Map<string, Floats> {
  const given = withoutPrefix(tensors);
  const values = new Map<string, Floats>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  const expected = [...graph.params, ...graph.buffers].map(({ path, shape }) => ({
    path,
    shape,
    name: torchvisionName(path),
  }));
  for (const { path, shape, name } of expected) {
    const tensor = given.get(name);
    if (tensor === undefined) missing.push(name);
    else if (tensor.shape.join() !== shape.join() || !isFloats(tensor.data))
      misshapen.push(`${name} ${tensor.dtype} [${tensor.shape.join(', ')}] for [${shape.join(', ')}]`);
    else values.set(path, tensor.data);
  }
  const names = new Set(expected.map(({ name }) => name));
  const extra = [...given.keys()].filter((name) => !names.has(name));
  const defects = [
    ...listed('without', missing),
    ...listed('with the unknown', extra),
    ...listed('with', misshapen),
  ];
  if (defects.length === 0) return values;
  throw new LmError(
    'ERR_CHECKPOINT',
    `Expected torchvision's weights of ${graph.name} for \`${file}\` but received tensors ${defects.join('; ')}`,
    { hint: hintFor(given, misshapen) },
  );
}

/**
 * The tensors but for counters, without what their names all begin with: `module.` of DataParallel,
 * `_orig_mod.` of torch.compile, both, or the attribute of a wrapper.
 */
function withoutPrefix(tensors: Tensors): Map<string, Tensor> {
  const weights = [...tensors].filter(([name]) => !counter.test(name));
  const parts = weights.map(([name]) => name.split('.'));
  const [first = [], ...others] = parts;
  let shared = 0;
  while (shared < first.length - 1 && others.every((words) => words[shared] === first[shared])) shared++;
  return new Map(weights.map(([, tensor], i) => [parts[i]?.slice(shared).join('.') ?? '', tensor]));
}

const isFloats = (data: Tensor['data']): data is Floats =>
  data instanceof Float32Array || data instanceof Float64Array;

/** "what a, b, c and 5 more", or nothing. */
function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return [`${what} ${names.slice(0, 3).join(', ')}${more}`];
}

function hintFor(tensors: Tensors, misshapen: readonly string[]): string {
  const classes = tensors.get('fc.bias')?.shape[0];
  if (misshapen.length > 0 && misshapen.every((text) => text.startsWith('fc.')) && classes !== undefined)
    return `These weights are of ${classes} classes: say so with { classes: ${classes} }.`;
  return 'Name the model that the file is of, and save its state_dict() with safetensors.torch.save_file.';
}
