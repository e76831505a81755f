/** The strings of timm's policies: which are taken, and what they come to. */
import { describe, expect, it } from 'vitest';
import { nativePolicy } from '../../src/transforms/autoAugment.ts';
import { parseTransform } from '../../src/transforms/transforms.ts';
import { thrown } from '../support/errors.ts';

describe("a policy's string", () => {
  it.each<[string, object]>([
    ['rand-m9-mstd0.5-inc1', { deviation: 0.5, most: 10, count: 2 }],
    ['rand', { deviation: 0, most: 10, count: 2 }],
    ['rand-mstd101-mmax20-n3', { deviation: null, most: 20, count: 3 }], // above 100: uniform
    ['original-mstd0.5', { kind: 'timmAutoAugment', deviation: 0.5 }],
    ['original-mstd101', { deviation: 101 }], // there 100 is no bound
    ['augmix', { deviation: null, width: 3, depth: 0, alpha: 1, blended: false, farthest: 0.3 }],
    ['augmix-m5-w4-d2-a0.5-b1-mstd0', { deviation: 0, width: 4, depth: 2, alpha: 0.5, blended: true }],
  ])('%s has the numbers of timm', (policy, wanted) => {
    expect(nativePolicy(policy)).toMatchObject(wanted);
  });

  it.each([
    ['no name', ''],
    ['an unknown policy', 'v1'],
    ['a name that only begins like one', 'randaug-m9'],
    ['an unknown section', 'rand-k3'],
    ['a section without a number, which timm passes over', 'rand-inc'],
    ['a magnitude that is no integer', 'rand-m9.5'],
    ['a section twice', 'rand-m9-m5'],
    ['an unknown set of operations', 'rand-tall'],
    ['a name of every object', 'rand-tconstructor'],
    ['more operations than a set without repetition has', 'rand-n15-t3aw'],
    ['a section of another policy', 'original-m9'],
    ['a negative number', 'rand-m-3'],
    ['a probability above 1', 'rand-p1.5'],
  ])('is refused: %s', (_, policy) => {
    expect(thrown(() => parseTransform([{ kind: 'autoAugment', policy }])).code).toBe('ERR_CONFIG');
  });
});
