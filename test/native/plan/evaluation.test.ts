/** Float32 evaluations, whose convolutions take in their neighbours, against float64, which fuses nothing. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../../src/graph/graph.ts';
import { network } from '../../../src/models/network.ts';
import { preset } from '../../../src/models/presets.ts';
import type { Dtype, NativeModel } from '../../../src/native/binding.ts';
import { thinNets } from '../../support/graphs/thinNets.ts';
import { nativeModel } from '../../support/natives.ts';
import { distance, random } from '../../support/tensor.ts';

/** Weights a little off where they begin, and running statistics of layers that have seen data. */
async function used(graph: Graph, dtype: Dtype): Promise<NativeModel> {
  const model = nativeModel(graph, dtype);
  for (const { path, shape } of graph.params) {
    const begin = await model.readTensor(path, 'value');
    const noise = random(path, [...shape]).data;
    await model.writeTensor(
      path,
      'value',
      Float64Array.from(begin, (v, i) => v + 0.05 * (noise[i] ?? 0)),
    );
  }
  for (const { path, shape, value } of graph.buffers) {
    const noise = random(path, [...shape]).data;
    await model.writeTensor(
      path,
      'value',
      Float64Array.from(noise, (v) => value + 0.3 * Math.tanh(v)),
    );
  }
  return model;
}

describe('the logits of an evaluation', () => {
  const nets = Object.entries(thinNets).map(([name, config]) => ({ name, graph: network(config) }));
  nets.push({ name: 'lm_resnet20 in full', graph: preset('lm_resnet20') });
  it.each(nets)('of $name are those of float64, to 1e-5', async ({ graph }) => {
    const [single, double] = [await used(graph, 'float32'), await used(graph, 'float64')];
    const { channels, height, width } = graph.input;
    for (const n of [1, 3]) {
      const pixels = Uint8Array.from(
        random('pixels', [n, height, width, channels]).data,
        (v) => 128 + 60 * v,
      );
      const wanted = await double.predict(pixels, n, height, width, 'value', 'none');
      const found = await single.predict(pixels, n, height, width, 'value', 'none');
      expect(distance(found, wanted)).toBeLessThan(1e-5);
    }
  });
});
