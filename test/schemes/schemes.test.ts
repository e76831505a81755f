import { describe, expect, it } from 'vitest';
import { lin } from '../../src/graph/functions.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { NetworkConfig } from '../../src/models/network.ts';
import type { Block } from '../../src/roles.ts';
import * as schemes from '../../src/schemes/index.ts';
import { type Evaluation, evaluate, evaluateAll, evaluateInverse } from '../support/graphs/evaluate.ts';
import { integrator, linearField, opaqueField, scalar } from '../support/graphs/nets.ts';
import { type SchemeRow, table } from './table.ts';

/** One pixel of so many channels, n steps of the row's scheme. */
function traced(row: SchemeRow, steps: number, block: Block, change: Partial<NetworkConfig> = {}): Graph {
  const { channels } = row;
  const ones = Array.from({ length: channels }, () => 1);
  const input = { ...scalar, channels, mean: ones, std: ones };
  const stages = [{ width: channels, steps, stride: 1 }];
  return integrator(row.make(), steps, block, { input, stages, ...change });
}

/** Error at T = 1 of speed·u' = f for u' = -u², u(0) = 1, whose solution is 1 / (1 + t). */
function errorOf(row: SchemeRow, steps: number): number {
  const { param, speed } = row;
  const graph = traced(row, steps, opaqueField);
  const f = (u: number): number => (-speed * u * u) / steps;
  return Math.abs(evaluate(graph, { x: 1, param: () => param, relu: f }) - 0.5);
}

describe('the table of schemes', () => {
  it('has a row for every built-in scheme', () => {
    const { fractalTransition, rungeKutta, tableaus, ...others } = schemes;
    const names = [...Object.keys(others), ...Object.keys(tableaus)];
    expect(new Set(table.map((row) => row.name))).toEqual(new Set(names));
  });

  it('names every scheme as it names itself, wrapped ones by their wrapper', () => {
    for (const { name, make } of table) expect(make().name.replace(/\(.*/, '')).toBe(name);
  });
});

describe.each(table)('$title', (row) => {
  it.each([-0.5, -0.1, 0.2])('follows its recursion for f(u) = %d u', (z) => {
    for (const n of [1, 2, 5, 9]) {
      const graph = traced(row, n, linearField(z));
      expect(evaluate(graph, { x: 1, param: () => row.param })).toBeCloseTo(row.solution(z, n), 12);
    }
  });

  it('draws its learned coefficients and records them with their steps', () => {
    const graph = traced(row, 6, linearField(-0.1));
    expect(graph.params).toHaveLength(row.learned(6));
    expect(graph.steps.flatMap((step) => step.params)).toEqual(graph.params.map((_, i) => i));
    expect(graph.params.every((param) => param.kind === 'coefficient')).toBe(true);
  });

  it('draws and evaluates its functions in every step', () => {
    for (const { path, fields } of traced(row, 4, opaqueField).steps) {
      const [drawn, evaluations] = row.fields;
      const wanted = Array.from({ length: drawn }, (_, i) => `${path}.f${i}`);
      expect([...new Set(fields.map((field) => field.path))].sort()).toEqual(wanted);
      expect(fields).toHaveLength(evaluations);
    }
  });

  it('stays bounded without f from any history, unless it keeps velocities', () => {
    const graph = traced(row, 0, linearField(0), {
      stages: [1, 300].map((steps, i) => ({ width: row.channels, steps, stride: i + 1 })),
      transition: ([u]) => [lin([1, u]), lin([-1, u]), lin([2, u])],
    });
    const end = Math.abs(evaluate(graph, { x: 1, param: () => row.param }));
    expect(end < 10).toBe(row.zeroStable);
  });
});

describe.each(table.filter((row) => row.order !== undefined))('$title', (row) => {
  const { order = 0 } = row;

  it('converges with its order on a nonlinear equation', () => {
    const steps = order > 2 ? 64 : 256;
    const measured = Math.log2(errorOf(row, steps) / errorOf(row, 2 * steps));
    expect(measured).toBeGreaterThan(order - 0.1);
    expect(measured).toBeLessThan(order + 0.1);
  });

  it('declares no order, or the measured one', () => {
    expect(row.make().order ?? order).toBe(order);
  });
});

describe.each(table.filter((row) => row.order === undefined))('$title', (row) => {
  it('declares no order', () => {
    expect(row.make().order).toBeUndefined();
  });
});

/** Rows whose inverse exists: k = 0 has none. */
const invertible = table.filter(
  (row) => row.make().invert !== undefined && row.title !== 'linearTwoStep, k = 0',
);

describe.each(invertible)('$title', (row) => {
  const graph = traced(row, 5, opaqueField);
  const given: Evaluation = { x: 1 / 3, param: () => row.param, relu: (u) => 0.3 * Math.sin(u) + 0.1 };
  const values = evaluateAll(graph, given);

  it('finds the states before every step from those after it', () => {
    for (const step of graph.steps) {
      const found = evaluateInverse(graph, given, step, values);
      expect(found).toHaveLength(step.before.length);
      step.before.forEach((id, i) => {
        found[i]?.forEach((u, c) => {
          expect(u).toBeCloseTo(values[id]?.[c] ?? Number.NaN, 12);
        });
      });
    }
  });

  it('reads nothing but the states after and the values of f to find them', () => {
    for (const { after, fields, inverse } of graph.steps) {
      const known = new Set([...after, ...fields.map((field) => field.output)]);
      const read = [...(inverse?.nodes.flatMap((node) => node.inputs) ?? []), ...(inverse?.before ?? [])];
      expect(read.filter((i) => i >= 0 && !known.has(i))).toEqual([]);
    }
  });
});

describe('invertible schemes', () => {
  it('are those that are meant to be', () => {
    expect([...new Set(invertible.map((row) => row.name))].sort()).toEqual([
      'leapfrog',
      'linearTwoStep',
      'midpoint',
      'momentum',
      'reversible',
    ]);
  });
});
