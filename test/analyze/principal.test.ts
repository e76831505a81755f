import { describe, expect, it } from 'vitest';
import { principalPlane } from '../../src/analyze/principal.ts';

describe('principalPlane', () => {
  it('keeps the distances of points that lie in a plane', () => {
    const flat = [
      [0, 0],
      [4, 0],
      [4, 1],
      [1, 2],
    ];
    const points = flat.map(([a = 0, b = 0]) => [0.6 * a + 5, 0.8 * a, b, 7]);
    const { points: found, explained } = principalPlane(points);
    expect(explained[0] + explained[1]).toBeCloseTo(1, 9);
    expect(explained[0]).toBeGreaterThan(explained[1]);
    const distance = (p: readonly number[] = [], q: readonly number[] = []): number =>
      Math.hypot((p[0] ?? 0) - (q[0] ?? 0), (p[1] ?? 0) - (q[1] ?? 0));
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < i; j++)
        expect(distance(found[i], found[j])).toBeCloseTo(distance(flat[i], flat[j]), 6);
  });

  it('takes points without any spread', () => {
    expect(
      principalPlane([
        [1, 2],
        [1, 2],
      ]),
    ).toEqual({
      points: [
        [0, 0],
        [0, 0],
      ].map((p) => p.map(() => expect.closeTo(0))),
      explained: [0, 0],
    });
  });
});
