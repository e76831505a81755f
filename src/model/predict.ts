/** Classifying images. */
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import { checkAmp } from './amp.ts';
import { type Core, countImages, opened } from './core.ts';
import { type PredictOptions, predictSchema } from './options.ts';
import { type Prediction, predictions } from './predictions.ts';

/** The classes of images, best first. */
export async function predict(
  core: Core,
  pixels: Uint8Array,
  options: PredictOptions,
): Promise<Prediction[]> {
  const { topK } = parseOptions(predictSchema, options, 'predict');
  return predictions(await logits(core, pixels, options), core.classNames, topK);
}

/** The network's output for images, before the softmax. */
export function logits(core: Core, pixels: Uint8Array, options: PredictOptions): Promise<Float32Array> {
  const { weights, amp, ...size } = parseOptions(predictSchema, options, 'predict');
  checkAmp(amp, core.dtype);
  if (!(pixels instanceof Uint8Array)) throw expected('ERR_CONFIG', 'a Uint8Array', 'pixels', pixels);
  const { n, height, width } = countImages(core, pixels, 'pixels', size);
  core.graph.shapes(n, height, width);
  return opened(core).predict(pixels, n, height, width, weights, amp);
}
