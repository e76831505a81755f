/** Whether images fit a model. */
import { expected } from '../errors.ts';
import { matchClasses } from '../loading/classNames.ts';
import { Dataset } from '../loading/dataset.ts';
import { datasetOf, type Images } from '../loading/images.ts';
import { batchSize } from '../loading/loaderSpec.ts';
import { type Core, classesOf } from './core.ts';
import { inputOf } from './input.ts';

/** Checks that images fit the model, and gives them as a data set. */
export function checkImages(core: Core, images: Images, training: boolean): Dataset {
  const { graph } = core;
  const input = inputOf(core);
  const { channels } = input;
  const given = images instanceof Dataset ? images.size?.channels : images?.channels;
  if (given !== undefined && given !== channels)
    throw expected('ERR_SHAPE', `images with ${channels} channels`, 'data.channels', given);
  const data = datasetOf(images);
  const { classes: places } = matchClasses(data, classesOf(core));
  const highest = data.labels?.reduce((a, b) => Math.max(a, b), -1) ?? data.classNames.length - 1;
  const classes = places === null ? highest + 1 : 0;
  if (classes > graph.classes) {
    const what = `labels below ${graph.classes}, the classes of the model,`;
    throw expected('ERR_SHAPE', what, 'data.labels', classes - 1, {
      hint: `Create the model with { classes: ${Math.max(classes, data.classNames.length)} }.`,
    });
  }
  graph.shapes(1, ...batchSize(data, input, training));
  return data;
}
