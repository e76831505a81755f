/** Loss and accuracy over labelled images. */
import { parseOptions } from '../check.ts';
import type { Images } from '../loading/images.ts';
import { loaderSpec } from '../loading/loaderSpec.ts';
import type { NativeEvaluation } from '../native/binding.ts';
import { checkAmp } from './amp.ts';
import { checkImages } from './checkImages.ts';
import { type Core, opened } from './core.ts';
import { inputOf } from './input.ts';
import { type EvaluateOptions, evaluateSchema } from './options.ts';

/** Evaluates a model; every image counts once. */
export function evaluate(core: Core, images: Images, options: EvaluateOptions): Promise<NativeEvaluation> {
  const { weights, amp, ...loading } = parseOptions(evaluateSchema, options, 'evaluate');
  checkAmp(amp, core.dtype);
  const data = checkImages(core, images, false);
  const pass = { ...loading, seed: 0, training: false, device: core.device };
  return opened(core).evaluate(data.source, loaderSpec(data, inputOf(core), pass), weights, amp);
}
