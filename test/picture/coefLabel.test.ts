import { describe, expect, it } from 'vitest';
import type { CoefSpec, ParamSpec } from '../../src/graph/spec.ts';
import { isOne, labelRing, labelText, subscript } from '../../src/picture/coefLabel.ts';

const params = ['stage1.step3.k', 'stage1.step3.ks'].map(
  (path): ParamSpec => ({
    path,
    shape: [1],
    depth: 0,
    init: { kind: 'constant', value: 0 },
    kind: 'coefficient',
  }),
);
const one: CoefSpec = { kind: 'constant', value: 1 };
const minusOne: CoefSpec = { kind: 'constant', value: -1 };

describe('labels of coefficients', () => {
  const rows: [string, CoefSpec[]][] = [
    ['1', [one]],
    ['½', [{ kind: 'constant', value: 0.5 }]],
    ['−0.123', [{ kind: 'constant', value: -0.12345 }]],
    ['k₃', [{ kind: 'param', param: 0 }]],
    [
      '1 − k₃',
      [
        one,
        minusOne,
        { kind: 'param', param: 0 },
        { kind: 'product', of: [1, 2] },
        { kind: 'sum', of: [0, 3] },
      ],
    ],
    [
      'ks₃', // 1 - (1 - ks)
      [
        ...[one, minusOne],
        { kind: 'param', param: 1 },
        { kind: 'product', of: [1, 2] },
        { kind: 'sum', of: [0, 3] },
        { kind: 'product', of: [1, 4] },
        { kind: 'sum', of: [0, 5] },
      ],
    ],
    [
      'tanh k₃',
      [
        { kind: 'param', param: 0 },
        { kind: 'tanh', of: [0] },
      ],
    ],
    [
      '1/(1 + k₃)',
      [one, { kind: 'param', param: 0 }, { kind: 'sum', of: [0, 1] }, { kind: 'reciprocal', of: [2] }],
    ],
  ];
  it.each(rows)('writes %s', (wanted, coefs) => {
    expect(labelText(labelRing({ coefs, params }, 3).coef(coefs.length - 1))).toBe(wanted);
  });

  it('knows the 1 that is not written', () => {
    const ring = labelRing({ coefs: [], params: [] }, 0);
    expect(isOne(ring.constant(1))).toBe(true);
    expect(isOne(ring.constant(-1))).toBe(false);
    expect(subscript(120)).toBe('₁₂₀');
  });
});
