/** An ONNX graph while it is written: nodes, constants, and names that nothing else has. */
import type { Graph } from '../../graph/graph.ts';
import { must } from '../../must.ts';
import { coefficientsOf } from '../coefficients.ts';
import { checkNumbers, type Exported } from '../exported.ts';
import { elementTypes, type OnnxAttribute, type OnnxNode, type OnnxTensor } from './proto.ts';

/** Names of what the graph takes and gives. */
export const ends = { input: 'input', output: 'logits' } as const;

/** A graph under way. */
export interface Draft {
  readonly graph: Graph;
  readonly tensors: Exported['tensors'];
  readonly coefficient: (i: number) => Float64Array;
  readonly nodes: OnnxNode[];
  /** By what they are of: a path, a coefficient, a number. */
  readonly constants: Map<string, OnnxTensor>;
  /** Names that are taken, with the number to try next. */
  readonly names: Map<string, number>;
}

/** An empty graph. */
export function draftOf({ graph, tensors }: Exported): Draft {
  return {
    graph,
    tensors,
    coefficient: coefficientsOf(graph, tensors),
    nodes: [],
    constants: new Map(),
    names: new Map(Object.values(ends).map((name) => [name, 2])),
  };
}

/** Adds an operation; gives the name of its result. */
export function emit(
  draft: Draft,
  path: string,
  opType: string,
  input: readonly string[],
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
): string {
  const name = newName(draft, `${path}/${opType}`);
  const attribute = Object.entries(attributes).map(([key, value]) => ({ name: key, ...value }));
  draft.nodes.push({ name, opType, input, output: [name], attribute });
  return name;
}

/** A parameter or running statistic, by its path. */
export function weight(draft: Draft, path: string, shape: readonly number[]): string {
  return floats(draft, path, shape, () => must(draft.tensors.get(path)));
}

/** A number as a constant that goes with any shape. */
export function number(draft: Draft, value: number): string {
  return floats(draft, `number.${value}`, [1], () => Float64Array.of(value));
}

/** A coefficient of `lin`: [1], or [C, 1, 1]. */
export function coefficient(draft: Draft, i: number): string {
  const values = draft.coefficient(i);
  return floats(draft, `coefficient.${i}`, values.length === 1 ? [1] : [values.length, 1, 1], () => values);
}

/** So many times the same number. */
export function filled(draft: Draft, value: number, count: number): string {
  return floats(draft, `${value}.${count}`, [count], () => new Float32Array(count).fill(value));
}

/** Integers: indices, borders. */
export function integers(draft: Draft, ...values: readonly number[]): string {
  return constant(draft, `integers.${values.join('.')}`, 'int64', [values.length], () =>
    BigInt64Array.from(values, BigInt),
  );
}

function floats(
  draft: Draft,
  key: string,
  shape: readonly number[],
  values: () => Float32Array | Float64Array,
): string {
  return constant(draft, key, 'float32', shape, () => {
    const rounded = Float32Array.from(values());
    checkNumbers(key, rounded);
    return rounded;
  });
}

/** The name of a constant, which is made where there is none yet. */
function constant(
  draft: Draft,
  key: string,
  type: keyof typeof elementTypes,
  dims: readonly number[],
  values: () => ArrayBufferView,
): string {
  const found = draft.constants.get(key);
  if (found !== undefined) return found.name;
  const { buffer, byteOffset, byteLength } = values();
  const rawData = new Uint8Array(buffer, byteOffset, byteLength);
  const tensor = { name: newName(draft, key), dataType: elementTypes[type], dims, rawData };
  draft.constants.set(key, tensor);
  return tensor.name;
}

/** The name, or with a number where it is taken. */
function newName({ names }: Draft, wanted: string): string {
  let name = wanted;
  let next = names.get(wanted) ?? 2;
  while (names.has(name)) name = `${wanted}_${next++}`;
  names.set(wanted, next);
  if (name !== wanted) names.set(name, 2);
  return name;
}
