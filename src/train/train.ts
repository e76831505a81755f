/** Training a model: anew, or on from a checkpoint. */
import { dirname } from 'node:path';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import type { Images } from '../loading/images.ts';
import { ampFor } from '../model/amp.ts';
import { checkImages } from '../model/checkImages.ts';
import { classesOf } from '../model/core.ts';
import { coreOf, Model } from '../model/model.ts';
import { checkpointAt } from '../run/checkpoints.ts';
import { lockRun, type RunLock } from '../run/lock.ts';
import { checkAgrees, marksOf } from '../run/runState.ts';
import { Loop } from './loop.ts';
import { optionsWith, trainSchema } from './options.ts';
import { readResumed } from './resume.ts';
import type { TrainSettings, TrainSettingsInput } from './settings.ts';
import { TrainRun } from './trainRun.ts';
import { checkSets, type TrainSets } from './trainSets.ts';

/** Images to train on, and held-out ones that are evaluated after every epoch. */
export interface TrainData {
  readonly train: Images;
  readonly test?: Images | undefined;
}

export type TrainOptions = TrainSettingsInput & {
  /**
   * Folder of the run, new: checkpoints (checkpoint.safetensors is the newest), metrics.jsonl, curves.png,
   * settings.json. Default: no files.
   */
  readonly run?: string | undefined;
  /**
   * A run folder, or one checkpoint in it, to go on from, instead of `run`: to the bit what the run would
   * have become, on the same machine with as many threads. Its log is cut at that step; its settings hold.
   * Only those that leave the weights alone may differ.
   */
  readonly resume?: string | undefined;
  /**
   * Aborting ends the run after the step under way; with a run folder it leaves a checkpoint; rejects with
   * ERR_ABORTED.
   */
  readonly signal?: AbortSignal | undefined;
};

/**
 * Trains a model, natively and off the JS thread; the optimiser's state starts at zero. The same model seed,
 * data and settings give the same weights, to the bit (same machine, same number of threads).
 *
 * @returns a promise of the result that is also an async iterable of events. It never throws: the promise
 *   rejects with ERR_CONFIG for a wrong option, ERR_SHAPE when the images do not fit the model, ERR_BUSY when
 *   it is being trained, all before the first step; ERR_NOT_FINITE (the message names the layer; the weights
 *   are those of the last good step), ERR_ABORTED, ERR_RUN_EXISTS, ERR_FILE, ERR_CLOSED; with `resume` also
 *   ERR_CHECKPOINT for a damaged file, ERR_CONFIG saying what differs, ERR_BUSY naming the process that works
 *   in the run folder.
 * @example
 * const data = { train: digits, test: held };
 * const { evaluation } = await train(model, data, { epochs: 1, lr: 0.2, run: 'runs/first' });
 */
export function train(model: Model, data: TrainData, options: TrainOptions = {}): TrainRun {
  try {
    return begun(model, data, options);
  } catch (error) {
    return new TrainRun(
      () => Promise.reject(error),
      () => {},
    );
  }
}

/** Checks all that can be checked, takes the model, and begins. */
function begun(model: Model, data: TrainData, options: TrainOptions): TrainRun {
  if (!(model instanceof Model)) throw expected('ERR_CONFIG', 'a Model', 'model', model);
  for (const [name, value] of Object.entries({ data, train: options }))
    if (typeof value !== 'object' || value === null) throw expected('ERR_CONFIG', 'an object', name, value);
  const { run, resume, signal, ...rest } = options;
  for (const [name, path] of Object.entries({ run, resume }))
    if (path !== undefined && typeof path !== 'string')
      throw expected('ERR_CONFIG', 'a path', `train.${name}`, path);
  if (run !== undefined && resume !== undefined)
    throw expected('ERR_CONFIG', 'no new folder for a run that goes on', 'train.run', run);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw expected('ERR_CONFIG', 'an AbortSignal', 'train.signal', signal);
  const settings = settingsFor(model, rest);
  if (settings.tensorboard && run === undefined && resume === undefined)
    throw expected('ERR_CONFIG', 'a run folder, for TensorBoard,', 'train.run', run);
  const sets = {
    train: checkImages(coreOf(model), data.train, true),
    test: data.test === undefined ? undefined : checkImages(coreOf(model), data.test, false),
  };
  if (resume !== undefined) return resumedRun(model, sets, rest, { resume, signal });
  checkSets(sets, settings, classesOf(coreOf(model)));
  const loop = new Loop(model, sets, settings, { folder: run, signal });
  return new TrainRun(
    (emit) => loop.run(emit),
    () => loop.stop(),
  );
}

/** The settings with which a model is trained; checkpoints tell of the type that `amp: auto` came to. */
function settingsFor(model: Model, given: TrainSettingsInput): TrainSettings {
  const settings = parseOptions(trainSchema, given, 'train');
  return { ...settings, amp: ampFor(settings.amp, model, settings.memory.kind) };
}

/** A run that goes on: its settings are known once its checkpoint was read. */
function resumedRun(
  model: Model,
  sets: TrainSets,
  given: TrainSettingsInput,
  { resume, signal }: Pick<TrainOptions, 'signal'> & { readonly resume: string },
): TrainRun {
  if (sets.train.count === null)
    throw expected('ERR_CONFIG', 'images that can be read again', 'data.train', sets.train.name, {
      hint: 'A stream has no place to go on from: load the checkpoint and start a new run from it.',
    });
  const begin = async (): Promise<Loop> => {
    // Before the checkpoint is read: who works in the folder may replace it.
    const lock = await lockRun(dirname(await checkpointAt(resume)));
    return resumedLoop(lock).catch(async (error: unknown) => {
      await lock.release();
      throw error;
    });
  };
  const resumedLoop = async (lock: RunLock): Promise<Loop> => {
    const resumed = await readResumed(resume, model);
    const { path, state, folder } = resumed;
    const known = Object.entries(given).filter(([, value]) => value !== undefined);
    const settings = settingsFor(model, { ...state.settings, ...Object.fromEntries(known) });
    checkSets(sets, settings, classesOf(coreOf(model)));
    checkAgrees(path, state, { settings, ...marksOf(sets) }, optionsWith('weights'));
    return new Loop(model, sets, settings, { folder, signal, lock, resumed });
  };
  const loop = begin();
  return new TrainRun(
    async (emit) => (await loop).run(emit),
    () => void loop.then((begun) => begun.stop()).catch(() => {}), // the run itself tells why there is none
  );
}
