import { describe, expect, it } from 'vitest';
import { schemes } from '../../src/schemes/index.ts';
import { evaluate } from '../support/evaluate.ts';
import { integrator, linearField, opaqueField } from '../support/nets.ts';
import { type SchemeRow, table } from './table.ts';

/** Error at T = 1 of speed·u' = f for u' = -u², u(0) = 1, whose solution is 1 / (1 + t). */
function errorOf({ make, param = 0, speed }: SchemeRow, steps: number): number {
  const h = 1 / steps;
  const graph = integrator(make(), steps, opaqueField);
  return Math.abs(evaluate(graph, { x: 1, param: () => param, relu: (u) => -speed * h * u * u }) - 0.5);
}

describe('the table of schemes', () => {
  it('has a row for every registered scheme', () => {
    expect(new Set(table.map((row) => row.name))).toEqual(new Set(Object.keys(schemes)));
  });

  it('names every registered scheme as it names itself', () => {
    for (const [name, make] of Object.entries(schemes)) expect(make().name).toBe(name);
  });
});

describe.each(table)('$title', (row) => {
  it.each([-0.5, -0.1, 0.2])('follows its recursion for f(u) = %d u', (z) => {
    for (const n of [1, 2, 5, 9]) {
      const graph = integrator(row.make(), n, linearField(z));
      expect(evaluate(graph, { x: 1, param: () => row.param ?? 0 })).toBeCloseTo(row.solution(z, n), 12);
    }
  });

  it('converges with its order on a nonlinear equation', () => {
    const measured = Math.log2(errorOf(row, 256) / errorOf(row, 512));
    expect(measured).toBeGreaterThan(row.order - 0.1);
    expect(measured).toBeLessThan(row.order + 0.1);
  });

  it('declares no order, or the measured one', () => {
    expect(row.make().order ?? row.order).toBe(row.order);
  });

  it('draws its learned coefficients and records them with their steps', () => {
    const graph = integrator(row.make(), 6, linearField(-0.1));
    expect(graph.params).toHaveLength(row.learned(6));
    expect(graph.steps.flatMap((step) => step.params)).toEqual(graph.params.map((_, i) => i));
    expect(graph.params.every((param) => param.kind === 'coefficient')).toBe(true);
  });
});
