/** Models that say of their images what a test tells them to. */
import { type ImageSet, imageSet } from '../../../src/data/imageSet.ts';
import { conv2d, globalAvgPool, lin } from '../../../src/graph/functions.ts';
import { trace } from '../../../src/graph/graph.ts';
import { constant } from '../../../src/graph/inits.ts';
import type { Model } from '../../../src/model/model.ts';
import { plainInput } from '../natives.ts';
import { tinyModel } from '../training.ts';

/** Times this, 10 is infinite and 0 stays 0. */
const huge = 1e308;

/**
 * A model of float64 whose logits for image i of `brightPixels` are row i, exactly; mirrored, image i is the
 * last but i. Infinities and NaN come of sums that overflow, so that they stay with their image.
 */
export async function modelOf(rows: readonly (readonly number[])[]): Promise<Model> {
  const [images, classes] = [rows.length, rows[0]?.length ?? 0];
  const graph = trace('given', plainInput(1, 1, images), (s, x) => {
    const part = (name: string) =>
      conv2d(x, s.param(name, [classes, 1, 1, images], constant(0), { kind: 'weight' }));
    return globalAvgPool(lin([1, part('finite')], [huge, part('up')], [huge, part('down')]));
  });
  const model = await tinyModel({ dtype: 'float64' }, graph);
  const write = (path: string, of: (logit: number) => number): Promise<void> => {
    const values = Array.from({ length: classes }, (_, c) => rows.map((row) => of(row[c] ?? Number.NaN)));
    return model.writeTensor(path, Float64Array.from(values.flat()));
  };
  await write('finite', (logit) => (Number.isFinite(logit) ? logit : 0));
  await write('up', (logit) => (logit === Number.POSITIVE_INFINITY || Number.isNaN(logit) ? 10 : 0));
  await write('down', (logit) => (logit === Number.NEGATIVE_INFINITY || Number.isNaN(logit) ? -10 : 0));
  return model;
}

/** Images of one row of pixels, of which in image i the one of number i is bright. */
export function brightPixels(labels: readonly number[]): ImageSet {
  const width = labels.length;
  const images = Uint8Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 255 : 0));
  return imageSet({ images, labels, height: 1, width, channels: 1 });
}
