/** What is told of a training before its first step. */
import type { Model } from '../../model/model.ts';
import { doubtsOf, type Length } from '../doubts.ts';
import type { TrainSettings } from '../settings.ts';
import { notesOf, type TrainSets } from '../trainSets.ts';

/** What may surprise of classes and sizes; of a run that begins anew also what will not work. */
export function firstNotes(
  model: Model,
  data: TrainSets,
  settings: TrainSettings,
  length: Length & { readonly step: number },
): readonly string[] {
  return [...notesOf(data, model), ...(length.step === 0 ? doubtsOf(settings, length) : [])];
}
