import { Model } from './model.ts';
import type { ModelOptions } from './options.ts';

/**
 * A second model with the same weights and statistics, on the same device.
 *
 * @throws ERR_CLOSED, ERR_MEMORY.
 * @example
 * await using copy = await copyModel(model);
 */
export async function copyModel(model: Model): Promise<Model> {
  const { graph, dtype, classNames } = model;
  const { transform, exif, sixteenBit } = model.input;
  const device = model.device as ModelOptions['device'];
  const copy = await Model.create(graph, { device, dtype, classNames, transform, exif, sixteenBit });
  try {
    for (const { path } of [...graph.params, ...graph.buffers])
      await copy.writeTensor(path, await model.readTensor(path));
    return copy;
  } catch (error) {
    await copy.close();
    throw error;
  }
}
