/** Every architecture, as a thin twin, trains, is evaluated, saved, loaded, and predicts. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Model } from '../../src/model/model.ts';
import { network } from '../../src/models/network.ts';
import { train } from '../../src/train/train.ts';
import '../support/addon.ts';
import { imageSet } from '../../src/data/imageSet.ts';
import { temporaryFolder } from '../support/folder.ts';
import { uniform } from '../support/graphs/formula.ts';
import { thinNets } from '../support/graphs/thinNets.ts';

describe.each(Object.entries(thinNets))('%s', (_, config) => {
  it('trains, is evaluated, saved, loaded, and predicts', async () => {
    const graph = network(config);
    const { channels, height, width } = graph.input;
    const images = Uint8Array.from(uniform('pixels', 4 * height * width * channels), (r) => 256 * r);
    const set = imageSet({ images, labels: [0, 1, 2, 3], height, width, channels, classNames: [...'abcde'] });
    const model = await Model.create(graph, { seed: 1, classNames: [...'abcde'] });
    const before = await Promise.all(graph.params.map(({ path }) => model.readTensor(path)));
    const { loss } = await train(model, { train: set }, { batch: 4, steps: 2, lr: 0.01 });
    expect(loss).toBeGreaterThan(0);
    const after = await Promise.all(graph.params.map(({ path }) => model.readTensor(path)));
    const moved = after.filter((values, i) => values.some((v, j) => v !== before[i]?.[j]));
    // A branch that both steps dropped keeps its weights, all else moves.
    const random = graph.nodes.some(({ op }) => op === 'mix');
    expect(moved.length / after.length).toBeGreaterThan(random ? 0.3 : 0.99);
    const { count } = await model.evaluate(set);
    expect(count).toBe(4);
    const file = join(await temporaryFolder(), 'model.safetensors');
    await model.save(file);
    const logits = await model.logits(images);
    await model.close();
    const loaded = await Model.load(file);
    expect(await loaded.logits(images)).toEqual(logits);
    expect((await loaded.predict(images.subarray(0, height * width * channels)))[0]?.top).toHaveLength(5);
    await loaded.close();
  });
});
