/** A model without libtorch: coefficients as given, intermediate values by formula. */
import type { Probed } from '../../src/analyze/measure.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { type NetworkConfig, network } from '../../src/models/network.ts';
import type { Scheme } from '../../src/roles.ts';
import { uniform } from '../support/graphs/formula.ts';
import { thin } from '../support/graphs/nets.ts';

/** Value of element i of a parameter. */
export type ParamRule = (path: string, i: number) => number;

/**
 * A fake of a graph. Parameters default to -0.05; a node's values depend on its id and on the sum of the
 * image.
 */
export function fake(graph: Graph, param: ParamRule = () => -0.05): Probed & { readonly calls: number[][] } {
  const { channels, height, width } = graph.input;
  const calls: number[][] = [];
  return {
    graph,
    calls,
    readTensor: async (path) => {
      const shape = graph.params.find((p) => p.path === path)?.shape ?? [];
      const count = shape.reduce((a, b) => a * b, 1);
      return Float64Array.from({ length: count }, (_, i) => param(path, i));
    },
    probe: async (pixels, nodes) => {
      const size = channels * height * width;
      const n = pixels.length / size;
      calls.push([...nodes]);
      const shapes = graph.shapes(n);
      return nodes.map((node) => {
        const shape = shapes[node] ?? [];
        const length = shape.reduce((a, b) => a * b, 1);
        const scale = (i: number): number => 1 + (pixels[Math.floor((i * n) / length) * size] ?? 0) / 255;
        return { shape, data: uniform(`node ${node}`, length).map((x, i) => scale(i) * (x - 0.3)) };
      });
    },
  };
}

/** A thin net of a scheme: two stages of so many steps. */
export function thinNet(scheme: Scheme, steps = 3, change: Partial<NetworkConfig> = {}): Graph {
  const stages = thin.stages.map((stage) => ({ ...stage, steps }));
  return network({ ...thin, name: `thin-${scheme.name}`, stages, scheme, ...change });
}

/** So many gray-level images of a graph's size, image i of brightness 16 i. */
export function images({ input }: Graph, count: number): Uint8Array {
  const size = input.channels * input.height * input.width;
  return Uint8Array.from({ length: count * size }, (_, i) => 16 * Math.floor(i / size));
}
