import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { summary } from '../../src/graph/summary.ts';
import { network } from '../../src/models/network.ts';
import { thinNets } from '../support/graphs/thinNets.ts';

describe.each(Object.entries(thinNets))('the thin twin %s', (_, config) => {
  const graph = network(config);

  it('is small, and yields five logits', () => {
    expect(summary(graph).totals.parameters).toBeLessThan(400_000);
    expect(graph.shapes(2)[graph.output]).toEqual([2, 5]);
  });

  it('survives the way through JSON', () => {
    expect(Graph.fromSpec(JSON.parse(JSON.stringify(graph.toSpec())))).toEqual(graph);
  });
});
