import { describe, expect, it } from 'vitest';
import { lin, relu } from '../../src/graph/functions.ts';
import { network } from '../../src/models/network.ts';
import type { Transition } from '../../src/roles.ts';
import { euler } from '../../src/schemes/euler.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { projected } from '../../src/schemes/projected.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { evaluate } from '../support/graphs/evaluate.ts';
import { integrator, linearField, thin } from '../support/graphs/nets.ts';

/** A border after which u is negative, as P u + f(u) may be. */
const negative: Transition = ([u]) => [lin([-1, u])];

describe('projected', () => {
  it('projects after every step', () => {
    const graph = integrator(projected(euler, relu), 3, linearField(-2));
    expect(evaluate(graph, { x: 1 })).toBe(0);
    expect(evaluate(integrator(euler, 3, linearField(-2)), { x: 1 })).toBe(-1);
  });

  it('projects what a stage starts with, after the stem and after a transition', () => {
    expect(evaluate(integrator(projected(euler, relu), 1, linearField(-2)), { x: -1 })).toBe(0);
    const stages = [1, 2].map((stride) => ({ width: 1, steps: 2, stride }));
    const graph = integrator(projected(euler, relu), 0, linearField(-2), { stages, transition: negative });
    // -2·1 + 1, rectified; without enter: 4
    expect(evaluate(graph, { x: 1, relu: (u) => Math.max(u, 0) + 1 })).toBe(1);
  });

  it('names the projection after its function, under the step and the entry', () => {
    const paths = network({ ...thin, scheme: projected(euler, relu) }).nodes.map((node) => node.path);
    for (const place of ['stage1.enter', 'stage1.step0', 'stage2.enter', 'stage2.step1'])
      expect(paths).toContain(`${place}.relu`);
    expect(paths).not.toContain('stage2.step0.relu'); // the transition's sum is rectified by enter, once
    const unnamed = network({ ...thin, scheme: projected(euler, (u) => relu(u)) });
    expect(unnamed.nodes.map((node) => node.path)).toContain('stage1.step0.project');
  });

  it('keeps the older states of a history as they were', () => {
    const { nodes, steps } = network({ ...thin, scheme: projected(linearTwoStep(), relu) });
    const [u = -1, prev = -1] = steps[2]?.before ?? [];
    expect([nodes[u]?.path, nodes[prev]?.path]).toEqual(['stage1.step1.relu', 'stage1.step0.relu']);
    expect(steps[2]?.scheme).toBe('projected(linearTwoStep)');
  });

  it('keeps the exit of its scheme and not the inverse', () => {
    const scheme = projected(reversible, relu);
    expect(scheme.exit).toBe(reversible.exit);
    expect(scheme.invert).toBeUndefined();
    expect(projected(euler, relu)).not.toHaveProperty('exit');
  });
});
