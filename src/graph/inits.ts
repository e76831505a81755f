import { expected } from '../errors.ts';
import type { InitSpec } from './spec.ts';

/**
 * Uniform law on [low, high).
 *
 * @throws ERR_CONFIG unless both are finite and low <= high.
 */
export function uniform(low: number, high: number): InitSpec {
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high)
    throw expected('ERR_CONFIG', 'finite bounds with low <= high', 'uniform', [low, high]);
  return { kind: 'uniform', low, high };
}

/**
 * Normal law N(0, std²).
 *
 * @throws ERR_CONFIG unless std is finite and >= 0.
 */
export function normal(std: number): InitSpec {
  if (!Number.isFinite(std) || std < 0)
    throw expected('ERR_CONFIG', 'a finite deviation >= 0', 'normal', std);
  return { kind: 'normal', mean: 0, std };
}

/**
 * Every element equals `value`.
 *
 * @throws ERR_CONFIG unless the value is finite.
 */
export function constant(value: number): InitSpec {
  if (!Number.isFinite(value)) throw expected('ERR_CONFIG', 'a finite number', 'constant', value);
  return { kind: 'constant', value };
}

/**
 * He's law by fan-out for a convolution weight (out, in / groups, kh, kw): N(0, 2 / (kh·kw·out)).
 *
 * @throws ERR_SHAPE unless the shape has four sizes.
 * @see He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015, eq. (14); as in 2prime/LM-ResNet,
 *   MResNet.py.
 */
export function heNormal(shape: readonly number[]): InitSpec {
  const [out, , kh, kw] = shape;
  if (out === undefined || kh === undefined || kw === undefined || shape.length !== 4)
    throw expected('ERR_SHAPE', 'the shape (out, in, kh, kw)', 'heNormal', shape);
  return normal(Math.sqrt(2 / (kh * kw * out)));
}
