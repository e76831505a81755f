/** Training a model: anew, or on from a checkpoint. */
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import type { Images } from '../loading/images.ts';
import { ampFor } from '../model/amp.ts';
import { checkImages } from '../model/checkImages.ts';
import { classesOf } from '../model/core.ts';
import { coreOf, Model } from '../model/model.ts';
import { Ranks } from '../ranks/ranks.ts';
import type { Resumed } from '../run/checkpoints.ts';
import { checkAgrees, marksOf } from '../run/runState.ts';
import { type Beginning, Loop } from './loop.ts';
import { optionsWith, trainSchema } from './options.ts';
import { sharesOf, withShare } from './ranks/shares.ts';
import { settingsForInput } from './recipes.ts';
import { readResumed, type TakenRun, takenTogether, takeOrMakeRun, takeRun } from './resume.ts';
import type { TrainSettings, TrainSettingsInput } from './settings.ts';
import { TrainRun } from './trainRun.ts';
import { checkSets, type TrainSets } from './trainSets.ts';

/** Images to train on, and held-out ones that are evaluated after every epoch. */
export interface TrainData {
  readonly train: Images;
  readonly test?: Images | undefined;
}

/** Options of `train`: its settings, and where it runs and how it is stopped. */
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
   * With `run`: where that folder has a checkpoint, goes on from it as `resume` does, else begins in it: the
   * same call serves however often its process is started. All data and settings are compared with the run's;
   * the weights of the model are then the checkpoint's. Default false.
   */
  readonly autoResume?: boolean | undefined;
  /**
   * Aborting ends the run after the step under way; with a run folder it leaves a checkpoint; rejects with
   * ERR_ABORTED.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * The ranks that train together (`joinRanks`): each sees a batch of its own, and every step is one of all
   * of them. The first has the run folder; the others write nothing. Null, default: this process trains
   * alone.
   */
  readonly ranks?: Ranks | null | undefined;
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
  return trainIn(model, data, options);
}

/** Trains as `train` does, in a run folder that is taken already. */
export function trainIn(model: Model, data: TrainData, options: TrainOptions, taken?: TakenRun): TrainRun {
  try {
    return begun(model, data, options, taken);
  } catch (error) {
    return new TrainRun(
      () => Promise.reject(error),
      () => {},
    );
  }
}

/** Checks all that can be checked, takes the model, and begins. */
function begun(model: Model, data: TrainData, options: TrainOptions, taken?: TakenRun): TrainRun {
  if (!(model instanceof Model)) throw expected('ERR_CONFIG', 'a Model', 'model', model);
  for (const [name, value] of Object.entries({ data, train: options }))
    if (typeof value !== 'object' || value === null) throw expected('ERR_CONFIG', 'an object', name, value);
  const { run, resume, autoResume = false, signal, ranks: given, ...rest } = options;
  const ranks = given ?? undefined;
  for (const [name, path] of Object.entries({ run, resume }))
    if (path !== undefined && typeof path !== 'string')
      throw expected('ERR_CONFIG', 'a path', `train.${name}`, path);
  if (run !== undefined && resume !== undefined)
    throw expected('ERR_CONFIG', 'no new folder for a run that goes on', 'train.run', run);
  if (typeof autoResume !== 'boolean')
    throw expected('ERR_CONFIG', 'true or false', 'train.autoResume', autoResume);
  if (autoResume && run === undefined)
    throw expected('ERR_CONFIG', 'a run folder, to go on in,', 'train.run', run);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw expected('ERR_CONFIG', 'an AbortSignal', 'train.signal', signal);
  if (ranks !== undefined && !(ranks instanceof Ranks))
    throw expected('ERR_CONFIG', 'what joinRanks gave', 'train.ranks', ranks);
  const settings = settingsFor(model, rest, ranks);
  if (settings.tensorboard && run === undefined && resume === undefined)
    throw expected('ERR_CONFIG', 'a run folder, for TensorBoard,', 'train.run', run);
  const sets = {
    train: checkImages(coreOf(model), data.train, true),
    test: data.test === undefined ? undefined : checkImages(coreOf(model), data.test, false),
  };
  if (autoResume || resume !== undefined) checkRepeats(sets);
  if (resume !== undefined) {
    const take = async (): Promise<TakenRun> => taken ?? takenTogether(ranks, () => takeRun(resume));
    return beginning(take, async ({ lock, checkpoint = resume }) => {
      const resumed = await readResumed(checkpoint, model);
      const known = Object.entries(rest).filter(([, value]) => value !== undefined);
      const all = { ...resumed.state.settings, ...Object.fromEntries(known) };
      return resumedLoop(model, sets, settingsFor(model, all, ranks), { signal, lock, resumed, ranks });
    });
  }
  checkSets(sets, settings, classesOf(coreOf(model)), ranks?.worldSize);
  if (run !== undefined && autoResume) {
    const take = async (): Promise<TakenRun> => taken ?? takenTogether(ranks, () => takeOrMakeRun(run));
    return beginning(take, async ({ lock, checkpoint }) => {
      if (checkpoint === undefined)
        return new Loop(model, sets, settings, { folder: folderOf(run, ranks), signal, lock, ranks });
      const resumed = await readResumed(checkpoint, model);
      return resumedLoop(model, sets, settings, { signal, lock, resumed, ranks });
    });
  }
  const loop = new Loop(model, sets, settings, { folder: folderOf(run, ranks), signal, ranks });
  return new TrainRun(
    (emit) => loop.run(emit),
    () => loop.stop(),
  );
}

/** Only the first rank has a run folder. */
function folderOf(run: string | undefined, ranks: Ranks | undefined): string | undefined {
  return ranks === undefined || ranks.isFirst ? run : undefined;
}

/** The settings with which a model is trained; checkpoints tell of the type that `amp: auto` came to. */
function settingsFor(model: Model, given: TrainSettingsInput, ranks: Ranks | undefined): TrainSettings {
  const settings = parseOptions(trainSchema, settingsForInput(given, model.input), 'train');
  return withShare({ ...settings, amp: ampFor(settings.amp, model, settings.memory.kind) }, sizeOf(ranks));
}

const sizeOf = (ranks: Ranks | undefined): number => ranks?.worldSize ?? 1;

/** Settings that have an influence on the weights, and what each rank has of a step by what it comes to. */
function bound(settings: TrainSettings, worldSize: number): object {
  const own = ['batch', 'globalBatch', 'syncBn'];
  const names: readonly string[] = optionsWith('weights').filter((name) => !own.includes(name));
  const others = Object.entries(settings).filter(([name]) => names.includes(name));
  return { ...Object.fromEntries(others), ...sharesOf(settings, worldSize) };
}

/** What to do where other ranks go on; with shards of their own they see other images, whatever the batch. */
function shareHint(
  { train }: TrainSets,
  { settings, worldSize }: Resumed<TrainSettings>['state'],
  now: number,
): string {
  if (train.part !== null)
    return `The run had ${worldSize} rank${worldSize === 1 ? '' : 's'}, not ${now}, each with shards of its own: resume with as many, or load the checkpoint and start a new run from it.`;
  const batch = (settings.batch * worldSize) / now;
  const given = Number.isInteger(batch) ? `Give --batch ${batch} --sync-bn; or begin` : 'Begin';
  return `The run had ${worldSize} rank${worldSize === 1 ? '' : 's'}, not ${now}. ${given} with --global-batch, which any number of ranks shares.`;
}

/** Checks that the images can be read again, where the run may go on. */
function checkRepeats({ train: { count, name } }: TrainSets): void {
  if (count === null)
    throw expected('ERR_CONFIG', 'images that can be read again', 'data.train', name, {
      hint: 'A stream has no place to go on from: load the checkpoint and start a new run from it.',
    });
}

/** A run that begins once its folder was taken, and what is there is known. */
function beginning(take: () => Promise<TakenRun>, loopIn: (taken: TakenRun) => Promise<Loop>): TrainRun {
  const begin = async (): Promise<Loop> => {
    const taken = await take();
    return loopIn(taken).catch(async (error: unknown) => {
      await taken[Symbol.asyncDispose]();
      throw error;
    });
  };
  const loop = begin();
  return new TrainRun(
    async (emit) => (await loop).run(emit),
    () => void loop.then((begun) => begun.stop()).catch(() => {}), // the run itself tells why there is none
  );
}

/** The training that goes on from a checkpoint, with settings that agree with it. */
function resumedLoop(
  model: Model,
  sets: TrainSets,
  settings: TrainSettings,
  place: Pick<Beginning, 'signal' | 'lock' | 'ranks'> & { readonly resumed: Resumed<TrainSettings> },
): Loop {
  const { path, state, folder } = place.resumed;
  const worldSize = sizeOf(place.ranks);
  checkSets(sets, settings, classesOf(coreOf(model)), worldSize);
  const there = { ...state, settings: bound(state.settings, state.worldSize) };
  const here = { ...marksOf(sets), settings: bound(settings, worldSize) };
  checkAgrees(
    path,
    there,
    here,
    worldSize === state.worldSize ? undefined : shareHint(sets, state, worldSize),
  );
  return new Loop(model, sets, settings, { folder: folderOf(folder, place.ranks), ...place });
}
