/** What is told of a training in words. */
import type { Model } from '../../model/model.ts';
import type { NativeChunkResult } from '../../native/binding.ts';
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

/** What may surprise of steps that were done: that a device takes each piece by piece. */
export function notesOfChunk({ notCaptured }: NativeChunkResult): readonly string[] {
  if (notCaptured === null) return [];
  return [
    `Steps are not captured as graphs of the device: ${notCaptured}. They are given to it piece by piece, which small networks feel; with \`capture\` false nothing is tried`,
  ];
}
