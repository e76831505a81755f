/** timm's policies: the same bytes as timm on Pillow images, as often. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PolicySampling } from '../../../src/transforms/autoAugment.ts';
import type { TransformInput } from '../../../src/transforms/transforms.ts';
import { type Extent, many, noisy, pixels, type Result, sha } from '../../support/files/transformed.ts';

interface Policy {
  readonly policy: string;
  readonly interpolation: PolicySampling;
}
/** [value, share of timm's draws at most as large] */
type Distribution = readonly (readonly [value: number, share: number])[];

interface Golden {
  readonly size: Extent;
  readonly draws: number;
  readonly fixed: readonly (Policy & { readonly outcomes: readonly (readonly [sha: string, p: number])[] })[];
  readonly drawn: readonly (Policy & { readonly levels: Distribution; readonly steps: Distribution })[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../../golden/images/policies.json', import.meta.url), 'utf8'),
);
const { size } = golden;

const run = ({ policy, interpolation }: Policy, n: number): Promise<Result[]> => {
  const transform: TransformInput = [{ kind: 'autoAugment', policy, interpolation }];
  return many(pixels(size, noisy), size, transform, n);
};

describe('a policy of timm', () => {
  it.each(golden.fixed)('gives the bytes of timm, as often: $policy, $interpolation', async (row) => {
    const n = 12 * row.outcomes.length + 400;
    const counts = new Map(row.outcomes.map(([result]) => [result, 0]));
    const strange: number[] = [];
    for (const [i, { pixels: bytes }] of (await run(row, n)).entries()) {
      const count = counts.get(sha(bytes));
      if (count === undefined) strange.push(i);
      else counts.set(sha(bytes), count + 1);
    }
    expect(strange).toEqual([]);
    const chi2 = row.outcomes.reduce(
      (sum, [result, p]) => sum + ((counts.get(result) ?? 0) - n * p) ** 2 / (n * p),
      0,
    );
    const freedom = row.outcomes.length - 1;
    expect(chi2).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom));
  });

  it.each(golden.drawn)('draws as timm does: $policy, $interpolation', async (row) => {
    const n = 3000;
    const results = await run(row, n);
    const sums = {
      levels: results.map(({ pixels: p }) => p.reduce((a, b) => a + b, 0)),
      steps: results.map(({ pixels: p, width }) =>
        p.reduce((a, v, i) => (Math.floor(i / 3) % width === 0 ? a : a + Math.abs(v - (p[i - 3] ?? 0))), 0),
      ),
    };
    for (const key of ['levels', 'steps'] as const)
      for (const [value, share] of row[key]) {
        const ours = sums[key].filter((v) => v <= value).length / n;
        const deviation = Math.sqrt(share * (1 - share) * (1 / n + 1 / golden.draws));
        expect(Math.abs(ours - share), `${key} up to ${value}`).toBeLessThanOrEqual(4.5 * deviation);
      }
  });
});
