/** A net, models and images so small that a test may train them. */
import { onTestFinished } from 'vitest';
import { type ImageSet, imageSet } from '../../src/data/imageSet.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { Model } from '../../src/model/model.ts';
import type { ModelOptions } from '../../src/model/options.ts';
import { type NetworkConfig, network } from '../../src/models/network.ts';
import { presetConfig } from '../../src/models/presets.ts';
import { cifarStem } from '../../src/nn/stems.ts';
import './addon.ts';
import { noiseBytes } from './noise.ts';

/**
 * lm_resnet20 made thin and short: two stages of two steps, 4 and 8 channels, gray 8 x 8 pixels, 4 classes.
 */
export const tinyConfig: NetworkConfig = {
  ...presetConfig('lm_resnet20', { input: [1, 8, 8], classes: 4 }),
  name: 'tiny',
  stem: cifarStem(4),
  stages: [
    { width: 4, steps: 2, stride: 1 },
    { width: 8, steps: 2, stride: 2 },
  ],
};

export const tiny: Graph = network(tinyConfig);

/** A model on the processor, closed when the test has finished. */
export async function tinyModel(options: ModelOptions = {}, graph: Graph = tiny): Promise<Model> {
  const model = await Model.create(graph, { device: 'cpu', seed: 1, ...options });
  onTestFinished(() => model.close());
  return model;
}

/** Loads a checkpoint; closed when the test has finished. */
export async function loaded(path: string, options: Parameters<typeof Model.load>[1] = {}): Promise<Model> {
  const model = await Model.load(path, { device: 'cpu', ...options });
  onTestFinished(() => model.close());
  return model;
}

/** Gray images of random noise, 8 x 8, of 4 classes in turn. */
export function noise(count: number, seed = 0): ImageSet {
  const labels = Array.from({ length: count }, (_, i) => i % 4);
  return imageSet({ images: noiseBytes(64 * count, seed), labels, height: 8, width: 8, channels: 1 });
}

/** Every weight and running statistic, by path. */
export async function tensorsOf(model: Model): Promise<Record<string, number[]>> {
  const paths = [...model.graph.params, ...model.graph.buffers].map(({ path }) => path);
  const values = await Promise.all(paths.map((path) => model.readTensor(path)));
  return Object.fromEntries(paths.map((path, i) => [path, Array.from(values[i] ?? [])]));
}
