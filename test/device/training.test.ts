/** Trainings on the test device: they are those of the CPU. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { network } from '../../src/models/network.ts';
import { optimizerSpec } from '../../src/train/optimizer/spec.ts';
import { trainSchema } from '../../src/train/options.ts';
import { addon } from '../support/addon.ts';
import { thin } from '../support/graphs/nets.ts';
import { trainingLoader } from '../support/loader.ts';
import { chunkTable, randomSource, readAll } from '../support/natives.ts';
import { distance } from '../support/tensor.ts';
import { deviceName, testDevice } from './testDevice.ts';

testDevice();

/** Five steps on a device: the losses, and all weights and statistics after them. */
async function trained(graph: Graph, device: string): Promise<Map<string, ArrayLike<number>>> {
  const model = new (addon().Model)(graph.toSpec(), { device, dtype: 'float64', seed: 0 });
  const optimizer = optimizerSpec(graph.params, trainSchema.parse({}));
  const loader = { ...trainingLoader(graph.input, 4), pinned: device !== 'cpu' };
  const trainer = new (addon().Trainer)(model, randomSource(graph, 8), { loader, seed: 0, optimizer });
  const table = chunkTable(Array(5).fill({ lr: 0.1, momentum: 0.9, weightDecay: 0.01 }));
  const { losses } = await trainer.run({ first: 0, table });
  return new Map<string, ArrayLike<number>>([['losses', losses], ...(await readAll(graph, model))]);
}

describe('a training on the test device', () => {
  it('is that of the CPU', async () => {
    const graph = network(thin);
    const wanted = await trained(graph, 'cpu');
    for (const [path, values] of await trained(graph, deviceName))
      expect(distance(values, wanted.get(path) ?? []), path).toBeLessThan(1e-12);
  });
});
