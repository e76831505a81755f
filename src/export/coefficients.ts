/** Coefficients of `lin` as numbers, for formats that know constants alone. */
import type { TensorsByPath } from '../checkpoint/checkpoint.ts';
import type { Graph } from '../graph/graph.ts';
import type { CoefSpec } from '../graph/spec.ts';
import { must } from '../must.ts';

/**
 * A function from the index of a coefficient to its values, one number or one per channel, in double
 * precision; each is worked out once.
 */
export function coefficientsOf(
  { coefs, params }: Graph,
  tensors: TensorsByPath,
): (i: number) => Float64Array {
  const known = new Map<number, Float64Array>();
  const operand = (coef: Extract<CoefSpec, { of: unknown }>, i: number): Float64Array =>
    value(must(coef.of[i]));
  const evaluate = (coef: CoefSpec): Float64Array => {
    switch (coef.kind) {
      case 'constant':
        return Float64Array.of(coef.value);
      case 'param':
        return Float64Array.from(must(tensors.get(must(params[coef.param]).path)));
      case 'sum':
        return joined(operand(coef, 0), operand(coef, 1), (a, b) => a + b);
      case 'product':
        return joined(operand(coef, 0), operand(coef, 1), (a, b) => a * b);
      case 'reciprocal':
        return operand(coef, 0).map((a) => 1 / a);
      case 'tanh':
        return operand(coef, 0).map(Math.tanh);
    }
  };
  const value = (i: number): Float64Array => {
    const found = known.get(i) ?? evaluate(must(coefs[i]));
    known.set(i, found);
    return found;
  };
  return value;
}

/** Element by element; one number goes with all. */
function joined(a: Float64Array, b: Float64Array, join: (a: number, b: number) => number): Float64Array {
  const at = (values: Float64Array, i: number): number => must(values[values.length === 1 ? 0 : i]);
  return Float64Array.from({ length: Math.max(a.length, b.length) }, (_, i) => join(at(a, i), at(b, i)));
}
