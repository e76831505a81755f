/** Loss and accuracy over labelled images. */
import { parseOptions } from '../check.ts';
import { matchClasses } from '../loading/classNames.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { Images } from '../loading/images.ts';
import { loaderSpec, sizeNotes } from '../loading/loaderSpec.ts';
import type { Evaluation, NativeEvaluation } from '../native/binding.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { ampFor } from './amp.ts';
import { checkImages } from './checkImages.ts';
import { type Core, classesOf, opened } from './core.ts';
import { inputOf } from './input.ts';
import { type EvaluateOptions, type Evaluating, evaluateSchema } from './options.ts';

/** Evaluates a model; every image counts once, on one of the ranks where there are several. */
export async function evaluate(
  core: Core,
  images: Images,
  options: EvaluateOptions,
  ranks?: Ranks,
): Promise<Evaluation> {
  const evaluating = parseOptions(evaluateSchema, options, 'evaluate');
  const data = checkImages(core, images, false);
  const { confusion: _, bins: __, ...evaluation } = await evaluateViews(core, [data], evaluating, { ranks });
  return { ...evaluation, notes: notesOf(core, data) };
}

/** What an evaluation tells of classes and sizes that are not those of the model. */
export function notesOf(core: Core, data: Dataset): readonly string[] {
  return [...matchClasses(data, classesOf(core)).notes, ...sizeNotes(data, inputOf(core))];
}

/**
 * Evaluates a model on the mean of its probabilities for several views of the same images, which
 * `checkImages` gave.
 */
export async function evaluateViews(
  core: Core,
  views: readonly [Dataset, ...Dataset[]],
  { weights, amp, ...loading }: Evaluating,
  { detail = false, ranks }: { readonly detail?: boolean; readonly ranks?: Ranks | undefined },
): Promise<NativeEvaluation> {
  const pass = {
    ...loading,
    seed: 0,
    training: false,
    device: core.device,
    classes: classesOf(core),
    share: ranks,
  };
  const specs = views.map((view) => loaderSpec(view, inputOf(core), pass));
  return opened(core).evaluate(
    views[0].source,
    specs,
    { weights, amp: ampFor(amp, core), detail },
    ranks?.native,
  );
}
