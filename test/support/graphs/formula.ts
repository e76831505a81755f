/**
 * Weights, pixels and labels by formula: the twin of `uniform` in scripts/reference/lm_resnet20.py, so that
 * no file is shared.
 */
import type { Graph } from '../../../src/graph/graph.ts';
import type { ParamSpec } from '../../../src/graph/spec.ts';
import type { NativeModel } from '../../../src/native/binding.ts';

/** Numbers in [0, 1): a hash (murmur3's finaliser) of the name's FNV-1a hash and the index. */
export function uniform(name: string, count: number): Float64Array {
  let h = 0x811c9dc5;
  for (const byte of Buffer.from(name)) h = Math.imul(h ^ byte, 0x01000193);
  return Float64Array.from({ length: count }, (_, i) => finalised(h + Math.imul(i, 0x9e3779b1)) / 2 ** 32);
}

function finalised(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The value of a parameter by its place in the network. */
export function formulaOf({ path, shape, kind }: ParamSpec): Float64Array {
  const [out = 1, , kh = 1, kw = 1] = shape;
  const count = shape.reduce((a, b) => a * b, 1);
  const conv = Math.sqrt(6 / (kh * kw * out));
  const map = (r: number): number => {
    if (kind === 'coefficient') return -0.1 * r;
    if (kind === 'norm') return path.endsWith('.weight') ? 0.5 + r : r - 0.5;
    return shape.length === 4 ? (2 * r - 1) * conv : (2 * r - 1) / 8;
  };
  return uniform(path, count).map(map);
}

/** Gives every parameter of a model the value of the formula. */
export async function writeFormula(graph: Graph, model: NativeModel): Promise<void> {
  await Promise.all(graph.params.map((param) => model.writeTensor(param.path, 'value', formulaOf(param))));
}
