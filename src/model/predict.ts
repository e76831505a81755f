/** Classifying images. */
import { parseOptions } from '../check.ts';
import type { Amp } from '../native/binding.ts';
import { ampFor } from './amp.ts';
import { type Core, opened } from './core.ts';
import { type GivenImages, type PixelBatch, pixelBatches } from './givenImages.ts';
import { type PredictOptions, predictSchema } from './options.ts';
import { type Prediction, predictions } from './predictions.ts';

/** The classes of images, best first. */
export async function predict(
  core: Core,
  images: GivenImages,
  options: PredictOptions,
): Promise<Prediction[]> {
  const { topK } = parseOptions(predictSchema, options, 'predict');
  return predictions(await logits(core, images, options), core.classNames, topK);
}

/** The network's output for images, before the softmax. */
export async function logits(
  core: Core,
  images: GivenImages,
  options: PredictOptions,
): Promise<Float32Array> {
  const { topK: _, weights, amp: choice, ...look } = parseOptions(predictSchema, options, 'predict');
  const amp = ampFor(choice, core);
  opened(core);
  const parts: Float32Array[] = [];
  for await (const batch of pixelBatches(core, images, look))
    parts.push(await outputOf(core, batch, { weights, amp }));
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The network's output for pixels of one size. */
export function outputOf(
  core: Core,
  { pixels, n, height, width }: PixelBatch,
  { weights, amp }: { readonly weights: 'value' | 'ema'; readonly amp: Amp },
): Promise<Float32Array> {
  core.graph.checkSize(n, height, width);
  return opened(core).predict(pixels, n, height, width, weights, amp);
}
