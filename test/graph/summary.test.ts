import { describe, expect, it } from 'vitest';
import { globalAvgPool, lin } from '../../src/graph/functions.ts';
import { trace } from '../../src/graph/graph.ts';
import { summary } from '../../src/graph/summary.ts';
import { network } from '../../src/models/network.ts';
import { conv, linear, norm } from '../../src/nn/layers.ts';
import { thin } from '../support/graphs/nets.ts';

const input = { channels: 2, height: 5, width: 5, mean: [0, 0], std: [1, 1] };

describe('summary', () => {
  it('lists layers with shape, parameters and multiplications', () => {
    const graph = trace('two', input, (s, x) => {
      const u = norm(s.at('bn'), 3)(conv(s.at('conv'), { in: 2, out: 3, kernel: 3 })(x));
      return linear(s.at('fc'), { in: 3, out: 7 })(s.at('pool').within(() => globalAvgPool(u)));
    });
    expect(summary(graph)).toEqual({
      name: 'two',
      layers: [
        { path: 'input', ops: ['input'], output: [1, 2, 5, 5], parameters: 0, macs: 0, activationBytes: 200 },
        {
          path: 'conv',
          ops: ['conv2d'],
          output: [1, 3, 5, 5],
          parameters: 54,
          macs: 54 * 25,
          activationBytes: 300,
        },
        {
          path: 'bn',
          ops: ['batchNormStats', 'batchNormApply'],
          output: [1, 3, 5, 5],
          parameters: 6,
          macs: 0,
          activationBytes: 4 * (6 + 75),
        },
        { path: 'pool', ops: ['globalAvgPool'], output: [1, 3], parameters: 0, macs: 0, activationBytes: 12 },
        { path: 'fc', ops: ['linear'], output: [1, 7], parameters: 28, macs: 21, activationBytes: 28 },
      ],
      totals: { parameters: 88, macs: 54 * 25 + 21, activations: 75 + 7, activationBytes: 864 },
    });
  });

  it('counts shared weights once and their work every time', () => {
    const graph = trace('shared', input, (s, x) => {
      const f = conv(s.at('f'), { in: 2, out: 2, kernel: 1 });
      return lin([1, f(x)], [1, f(f(x))]);
    });
    expect(summary(graph).totals).toMatchObject({ parameters: 4, macs: 3 * 4 * 25 });
  });

  it('adds up to all parameters of the graph', () => {
    const graph = network(thin);
    const all = graph.params.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const { layers, totals } = summary(graph);
    expect(totals.parameters).toBe(all);
    expect(layers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(all);
    expect(layers.find((layer) => layer.path === 'stage1.step1')?.parameters).toBe(1);
  });
});
