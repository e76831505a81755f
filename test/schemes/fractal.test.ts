import { describe, expect, it } from 'vitest';
import { maxPool2d } from '../../src/graph/functions.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Node } from '../../src/graph/node.ts';
import type { NodeSpec } from '../../src/graph/spec.ts';
import { network } from '../../src/models/network.ts';
import { type FractalOptions, fractal, fractalTransition } from '../../src/schemes/fractal.ts';
import { integrator, opaqueField, thin } from '../support/graphs/nets.ts';

const mixes = ({ nodes }: Graph): NodeSpec[] => nodes.filter((node) => node.op === 'mix');

/** A stage of each kind: no change, then another width and resolution. */
function net(options: FractalOptions): Graph {
  const stages = [
    { width: 4, steps: 1, stride: 1 },
    { width: 8, steps: 1, stride: 2 },
  ];
  const scheme = fractal({ ...(options.columns === undefined ? {} : { columns: options.columns }) });
  return network({ ...thin, stages, scheme, transition: fractalTransition(options) });
}

/** Longest chain of functions from the input of a step to its end. */
function depth({ steps, nodes }: Graph): number {
  const outputs = new Set(steps.flatMap((step) => step.fields.map((field) => field.output)));
  const depths: number[] = [];
  for (const [i, { inputs }] of nodes.entries())
    depths.push(Math.max(0, ...inputs.map((j) => depths[j] ?? 0)) + (outputs.has(i) ? 1 : 0));
  return Math.max(...depths);
}

describe('fractal', () => {
  it.each([1, 2, 3, 4])('of %d columns is 2^(C-1) functions deep and 2^C - 1 large', (columns) => {
    const graph = integrator(fractal({ columns }), 1, opaqueField);
    expect(depth(graph)).toBe(2 ** (columns - 1));
    expect(graph.steps[0]?.fields).toHaveLength(2 ** columns - 1);
  });

  it('joins all columns that meet at one depth in one join', () => {
    const graph = integrator(fractal({ columns: 4, dropPath: {} }), 1, opaqueField);
    expect(mixes(graph).map((node) => node.inputs.length)).toEqual([2, 3, 2, 4]);
  });

  it('draws every join by itself, and knows the columns for global steps', () => {
    const graph = integrator(fractal({ dropPath: { drop: 0.15, global: 0.5 } }), 2, opaqueField);
    const places = [0, 1].flatMap((n) => [0, 1].map((i) => `stage1.step${n}.join${i}`));
    expect(mixes(graph).map((node) => node.attrs.group)).toEqual(places);
    expect(mixes(graph).map((node) => node.attrs.columns)).toEqual(
      [0, 1].flatMap(() => [
        [0, 1],
        [0, 1, 2],
      ]),
    );
    for (const { attrs } of mixes(graph))
      expect(attrs).toMatchObject({ law: 'dropPath', keep: 0.85, global: 0.5, per: 'batch' });
  });

  it('gives branch i the column i: the deepest first', () => {
    const graph = integrator(fractal({ dropPath: {} }), 1, opaqueField);
    const [inner, last] = mixes(graph);
    const place = (id: number | undefined): string | undefined => graph.nodes[id ?? -1]?.path;
    expect(inner?.inputs.map(place)).toEqual(['stage1.step0.f1', 'stage1.step0.f2']);
    expect(last?.inputs.map(place)).toEqual(['f4', 'f5', 'f6'].map((f) => `stage1.step0.${f}`));
  });

  it('is the mean without drop-path', () => {
    const { nodes, coefs } = integrator(fractal(), 1, opaqueField);
    const last = nodes.at(-1);
    expect(last).toMatchObject({ op: 'lin', path: 'stage1.step0.join1' });
    expect(last?.coefs.map((i) => coefs[i])).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'constant', value: 1 / 3 })),
    );
  });
});

describe('fractalTransition', () => {
  const weightsOf = (graph: Graph): number[] =>
    graph.params
      .filter((param) => /^stage2.*conv1\.weight$/.test(param.path))
      .map((param) => param.shape[1] ?? 0);

  it('lets the first function of every column read the input of the block', () => {
    expect(weightsOf(net({}))).toEqual([4, 8, 4, 8, 8, 8, 4]); // f0 … f6: columns 0, 0, 1, 0, 0, 1, 2
  });

  it('gives the stride to them, or to the pooling before the last join', () => {
    const last = (u: Node): Node => maxPool2d(u, { kernel: 2 });
    const strided = net({});
    const pooled = net({ last });
    expect(strided.shapes()[strided.steps[1]?.after[0] ?? -1]).toEqual([1, 8, 4, 4]);
    expect(pooled.shapes()[pooled.steps[1]?.after[0] ?? -1]).toEqual([1, 8, 4, 4]);
    const pools = pooled.nodes.filter((node) => node.op === 'maxPool2d');
    expect(pools).toHaveLength(3);
    const joined = pooled.nodes[pooled.steps[1]?.after[0] ?? -1];
    expect(joined?.inputs.map((id) => pooled.nodes[id]?.op)).toEqual(pools.map(() => 'maxPool2d'));
    expect(strided.nodes.some((node) => node.op === 'maxPool2d')).toBe(false);
  });
});
