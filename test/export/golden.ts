/** Golden files of scripts/reference/exports: what other runtimes make of exported networks. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Model } from '../../src/model/model.ts';
import { uniform } from '../support/graphs/formula.ts';
import { pixelsFor } from './nets.ts';

/** One exported network, and its output for one and for three images, see `shown` in common.py. */
export interface GoldenExport {
  /** Of the file that ran. */
  readonly sha256: string;
  readonly logits1: readonly number[];
  readonly logits3: readonly number[];
}

/** Digest of bytes, as golden files have it. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function readGoldenExports(name: string): Readonly<Record<string, GoldenExport>> {
  const file = new URL(`../golden/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { cases: Record<string, GoldenExport> }).cases;
}

/** Numbers that are written out; of more there are the norm, and the product with a direction. */
const most = 64;

/** The largest difference, as part of the largest logit or of the norm. */
function worstError(found: Float32Array, wanted: readonly number[]): number {
  const numbers = found.length <= most ? [...found] : shown(found);
  if (numbers.length !== wanted.length) return Number.POSITIVE_INFINITY;
  const size = found.length <= most ? Math.max(...wanted.map(Math.abs)) : (wanted[0] ?? Number.NaN);
  const gaps = numbers.map((number, i) => Math.abs(number - (wanted[i] ?? Number.NaN)));
  return size === 0 ? Math.max(...gaps) : Math.max(...gaps) / size;
}

function shown(values: Float32Array): readonly [norm: number, product: number] {
  const direction = uniform('logits*', values.length);
  let [squares, product] = [0, 0];
  for (const [i, value] of values.entries()) {
    squares += value * value;
    product += value * ((direction[i] ?? Number.NaN) - 0.5);
  }
  return [Math.sqrt(squares), product];
}

/** The largest error of a model's logits for one and for three images. */
export async function logitsError(model: Model, { logits1, logits3 }: GoldenExport): Promise<number> {
  const of = async (n: number, wanted: readonly number[]): Promise<number> =>
    worstError(await model.logits(pixelsFor(model.graph, n)), wanted);
  return Math.max(await of(1, logits1), await of(3, logits3));
}
