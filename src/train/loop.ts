/**
 * One training, from its first step to its last: chunks of steps run natively, between them events,
 * evaluation and files.
 */
import { isLmError, LmError } from '../errors.ts';
import { adoptedNames } from '../loading/classNames.ts';
import { coreOf, type Model } from '../model/model.ts';
import { beginTraining } from '../model/training.ts';
import type {
  Evaluation,
  NativeChunkResult,
  NativeLoaderSpec,
  NativeLossScale,
  NativeModel,
  NativeTrainer,
} from '../native/binding.ts';
import { native } from '../native/load.ts';
import type { Ranks } from '../ranks/ranks.ts';
import type { TrainEvent } from '../run/events.ts';
import { openRunFiles, type Recorded, type RunFiles, type RunPlace } from '../run/runFiles.ts';
import { marksOf } from '../run/runState.ts';
import { CheckpointKeeper } from './checkpointKeeper.ts';
import { averageScores, recordScores, told } from './evaluation.ts';
import { aborted, kept, lost, notFinite } from './failures/failures.ts';
import { outOfMemory } from './failures/outOfMemory.ts';
import { openTrainer } from './openTrainer.ts';
import { freshLossScale, resetState, restoreState, stateSets } from './optimizer/state.ts';
import { agreeOn, Together } from './ranks/together.ts';
import type { TrainSettings } from './settings.ts';
import { peakRate, type Span, stepTable } from './stepTable.ts';
import { firstNotes, notesOfChunk } from './told/notes.ts';
import { stepEvent } from './told/stepEvent.ts';
import { trainerSpec } from './trainerSpec.ts';
import type { TrainResult } from './trainRun.ts';
import { evaluationOf, type TrainSets } from './trainSets.ts';
import { writtenDown } from './unwritten.ts';
import { usedBy } from './used.ts';

type Emit = (event: TrainEvent) => Promise<void>;

/** Seconds of work between two events. */
const chunkSeconds = 0.5;

/** Where a training begins, and what ends it. */
export interface Beginning extends RunPlace<TrainSettings> {
  readonly signal: AbortSignal | undefined;
  /** Those that train together, where there are several; the first of them has the files. */
  readonly ranks?: Ranks | undefined;
}

/** One training, from its first step to its last. */
export class Loop {
  readonly #model: Model;
  readonly #data: TrainSets;
  readonly #settings: TrainSettings;
  readonly #beginning: Beginning;
  readonly #together: Together;
  readonly #native: NativeModel;
  readonly #trainer: NativeTrainer;
  readonly #end: () => void;
  readonly #totalSteps: number;
  readonly #stepsPerEpoch: number;
  #stopping = false;
  #step = 0;
  #seconds = 0;
  #samples = 0;
  #loss = Number.NaN;
  #lossScale: NativeLossScale | null;
  #secondsPerStep = Number.NaN;

  constructor(model: Model, data: TrainSets, settings: TrainSettings, beginning: Beginning) {
    this.#model = model;
    this.#data = data;
    this.#settings = settings;
    this.#beginning = beginning;
    this.#together = new Together(beginning.ranks);
    this.#lossScale = beginning.resumed?.state.lossScale ?? freshLossScale(settings);
    const { native: open, end } = beginTraining(coreOf(model), () => this.stop(), {
      preprocessing: evaluationOf(data, model.input),
      classNames: adoptedNames(model.classNames, data.train.classNames),
    });
    this.#native = open;
    try {
      this.#trainer = openTrainer(open, model, data.train, settings, beginning.ranks);
      const { stepsPerEpoch } = this.#trainer;
      this.#totalSteps = settings.steps ?? settings.epochs * stepsPerEpoch;
      this.#stepsPerEpoch = data.train.count === null ? this.#totalSteps : stepsPerEpoch;
      this.#end = end;
    } catch (error) {
      end();
      throw error;
    }
  }

  stop(): void {
    this.#stopping = true;
    this.#trainer.stop();
  }

  run(emit: (event: TrainEvent) => void): Promise<TrainResult> {
    return this.#together.run(() => this.#run(emit));
  }

  async #run(emit: (event: TrainEvent) => void): Promise<TrainResult> {
    const abort = (): void => this.stop();
    const { signal } = this.#beginning;
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) this.stop();
    try {
      await agreeOn(this.#together, this.#model, this.#data, this.#settings, this.#beginning.resumed?.state);
      const files = await openRunFiles(this.#beginning, this.#recorded());
      const checkpoints = this.#checkpoints(files);
      const result = await this.#train(files, checkpoints, writtenDown(files, emit)).catch(
        async (error: unknown) => {
          await checkpoints.written();
          await files.close().catch(() => undefined); // what failed first is told
          throw lost(error, files.checkpoint);
        },
      );
      await files.close();
      return result;
    } finally {
      signal?.removeEventListener('abort', abort);
      await this.#beginning.lock?.release();
      this.#trainer.close();
      this.#end();
    }
  }

  #recorded(): Recorded {
    const [model, settings, data] = [this.#model, this.#settings, this.#data.train];
    const loader = (): NativeLoaderSpec => trainerSpec(model, data, settings).loader;
    const used = usedBy(model, this.#data, settings);
    return { model, settings, used, sets: stateSets(settings), data, loader };
  }

  #checkpoints(files: RunFiles): CheckpointKeeper {
    const [totalSteps, settings, { threads }] = [this.#totalSteps, this.#settings, native().info()];
    const facts = { totalSteps, threads, worldSize: this.#together.worldSize, settings };
    const constant = { ...facts, ...marksOf(this.#data) };
    return new CheckpointKeeper(files, constant, this.#stepsPerEpoch, this.#beginning.resumed?.state);
  }

  async #train(files: RunFiles, checkpoints: CheckpointKeeper, emit: Emit): Promise<TrainResult> {
    let evaluation: Evaluation | null = null;
    await this.#begin(files, emit);
    const length = { ...this.#span, step: this.#step };
    for (const text of firstNotes(this.#model, this.#data, this.#settings, length))
      await emit({ type: 'note', step: this.#step, text });
    for (;;) {
      await this.#saveDue(checkpoints, emit);
      const scores = await this.#evaluate(files, checkpoints, emit).catch((error: unknown) =>
        this.#fail(error, files, checkpoints, emit),
      );
      evaluation = scores ?? evaluation;
      await this.#saveDue(checkpoints, emit);
      if (this.#step >= this.#totalSteps || this.#stopsAlone || this.#hasStalled(checkpoints)) break;
      const chunk = await this.#chunk(checkpoints.stepsToNext(this.#step), emit);
      for (const bad of chunk.bad) await emit({ type: 'warning', step: this.#step, ...bad });
      if (chunk.notFinite !== null) throw await this.#notFinite(chunk.notFinite, files, checkpoints, emit);
      const hasEnded = this.#together.hasEnded(chunk, this.#beginning.signal);
      if (await hasEnded.catch((error: unknown) => this.#fail(error, files, checkpoints, emit))) break;
    }
    await this.#leave(files, checkpoints, emit);
    const stopped = this.#step < this.#totalSteps;
    const reason = this.#together.reasonOf(this.#beginning.signal);
    if (stopped && reason !== null) throw aborted(this.#step, this.#totalSteps, files.checkpoint, reason);
    if (this.#model.closed)
      throw new LmError(
        'ERR_CLOSED',
        `The model was closed after step ${this.#step} of ${this.#totalSteps} of its training`,
      );
    return this.#result(evaluation ?? told(checkpoints.evaluation), files, stopped);
  }

  /** Where there are other ranks all of them stop before the same step. */
  get #stopsAlone(): boolean {
    return this.#stopping && this.#together.ranks === undefined;
  }

  /** Begins anew, or where the checkpoint was taken. */
  async #begin(files: RunFiles, emit: Emit): Promise<void> {
    const { resumed } = this.#beginning;
    if (resumed === undefined) return resetState(this.#native, this.#settings);
    const { state, path, sets } = resumed;
    await restoreState(this.#native, sets);
    const imagesPerStep = this.#settings.batch * this.#settings.accumulate * this.#together.worldSize;
    this.#step = state.step;
    this.#samples = state.step * imagesPerStep;
    this.#seconds = await files.secondsSoFar(imagesPerStep);
    await emit({ type: 'resume', step: state.step, path });
  }

  get #span(): Required<Span> {
    const { worldSize } = this.#together;
    return { stepsPerEpoch: this.#stepsPerEpoch, totalSteps: this.#totalSteps, worldSize };
  }

  /** Runs steps natively for about `chunkSeconds`, to the end of the epoch and `most` steps at most. */
  async #chunk(most: number, emit: Emit): Promise<NativeChunkResult> {
    const laid = this.#span;
    const { stepsPerEpoch } = laid;
    const wanted = Math.max(1, Math.round(chunkSeconds / this.#secondsPerStep) || 1);
    const left = Math.min(this.#totalSteps - this.#step, stepsPerEpoch - (this.#step % stepsPerEpoch), most);
    const table = stepTable(this.#settings, laid, { first: this.#step, count: Math.min(wanted, left) });
    const chunk = await this.#trainer
      .run({ first: this.#step, table, lossScale: this.#lossScale })
      .catch((error: unknown) => Promise.reject(outOfMemory(error, this.#model, this.#settings)));
    this.#lossScale = chunk.lossScale;
    for (const text of notesOfChunk(chunk)) await emit({ type: 'note', step: this.#step, text });
    if (chunk.steps === 0) return chunk;
    this.#step += chunk.steps;
    this.#seconds += chunk.seconds;
    this.#samples += chunk.samples;
    this.#secondsPerStep = chunk.seconds / chunk.steps;
    const event = stepEvent(chunk, this.#step, this.#settings, laid);
    this.#loss = event.loss;
    await emit(event);
    return chunk;
  }

  /** Evaluates where an epoch ends, once; else null. */
  async #evaluate(files: RunFiles, checkpoints: CheckpointKeeper, emit: Emit): Promise<Evaluation | null> {
    const step = this.#step;
    const [{ test }, { ranks }] = [this.#data, this.#together];
    const isEnd =
      step === this.#totalSteps ||
      (step > 0 && step % (this.#settings.evalEvery * this.#stepsPerEpoch) === 0);
    if (test === undefined || !isEnd || checkpoints.evaluation?.step === step) return null;
    if (this.#stopsAlone || this.#model.closed) return null;
    await checkpoints.save({ step, lossScale: this.#lossScale }, emit);
    await checkpoints.written(); // an evaluation may fail, and end the process
    const evaluation = await recordScores(this.#model, test, this.#settings, files, ranks);
    const { bad, notes: _, ...scores } = evaluation;
    for (const one of bad) await emit({ type: 'warning', step, ...one });
    const ema = await averageScores(this.#model, test, this.#settings, ranks);
    const epoch = step / this.#stepsPerEpoch;
    await emit({ type: 'eval', step, epoch, ...scores, ...(ema === undefined ? {} : { ema }) });
    checkpoints.evaluated(step, evaluation);
    return evaluation;
  }

  async #saveDue(checkpoints: CheckpointKeeper, emit: Emit): Promise<void> {
    if (checkpoints.isDue(this.#step) && !this.#model.closed)
      await checkpoints.save({ step: this.#step, lossScale: this.#lossScale }, emit);
  }

  /** Whether the best evaluation lies too far back; of a run that goes on too. */
  #hasStalled(checkpoints: CheckpointKeeper): boolean {
    const { earlyStopPatience = Number.POSITIVE_INFINITY } = this.#settings;
    return checkpoints.stepsSinceBest >= earlyStopPatience * this.#stepsPerEpoch;
  }

  /** Leaves what the run can go on from, and the picture of it. */
  async #leave(files: RunFiles, checkpoints: CheckpointKeeper, emit: Emit): Promise<void> {
    if (!this.#model.closed) await checkpoints.finish({ step: this.#step, lossScale: this.#lossScale }, emit);
    await checkpoints.written();
    await files.finish(this.#data.test === undefined ? undefined : 'test');
  }

  async #notFinite(
    layer: string,
    files: RunFiles,
    checkpoints: CheckpointKeeper,
    emit: Emit,
  ): Promise<LmError> {
    const first = await this.#together.firstLayer(layer);
    await this.#leave(files, checkpoints, emit);
    return notFinite(first, this.#step, files.checkpoint, peakRate(this.#settings, this.#together.worldSize));
  }

  /** Ends the run for what failed beside its steps, which are sound: they are kept. */
  async #fail(error: unknown, files: RunFiles, checkpoints: CheckpointKeeper, emit: Emit): Promise<never> {
    if (this.#model.closed || isLmError(error, 'ERR_DEVICE')) throw error; // nothing can be read any more
    const left = await this.#leave(files, checkpoints, emit).then(
      () => true,
      () => false, // what failed first is told
    );
    throw left ? kept(error, this.#step, files.checkpoint) : error;
  }

  #result(
    evaluation: Evaluation | null,
    { checkpoint, folder: run }: RunFiles,
    stopped: boolean,
  ): TrainResult {
    return {
      steps: this.#step,
      epochs: this.#step / this.#stepsPerEpoch,
      loss: this.#loss,
      skipped: this.#lossScale?.skipped ?? 0,
      evaluation,
      seconds: this.#seconds,
      imagesPerSecond: this.#samples / this.#seconds,
      checkpoint,
      run,
      stopped,
    };
  }
}
