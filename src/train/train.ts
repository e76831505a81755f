/** The training loop: chunks of steps run natively, between them events, evaluation and files. */
import { parseOptions } from '../check.ts';
import { expected, LmError } from '../errors.ts';
import type { NativeChunkResult, NativeEvaluation, NativeModel, NativeTrainer } from '../native/binding.ts';
import type { Dataset } from '../runtime/dataset.ts';
import { Model } from '../runtime/model.ts';
import type { Images } from '../runtime/source.ts';
import type { TrainEvent } from './events.ts';
import { openTrainer } from './openTrainer.ts';
import { type TrainSettings, type TrainSettingsInput, trainSchema } from './options.ts';
import { type TrainResult, TrainRun } from './run.ts';
import { openRunFiles, type RunFiles } from './runFiles.ts';
import { resetState } from './state.ts';
import { peakRate, stepScalars, stepTable } from './stepTable.ts';

/** Images to train on, and held-out ones that are evaluated after every epoch. */
export interface TrainData {
  readonly train: Images;
  readonly test?: Images | undefined;
}

export type TrainOptions = TrainSettingsInput & {
  /** Folder of the run, new: checkpoint.safetensors, metrics.jsonl, curves.png, settings.json. Default: no files. */
  readonly run?: string | undefined;
  /** Aborting ends the run after the step under way; with a run folder it leaves a checkpoint; rejects with ERR_ABORTED. */
  readonly signal?: AbortSignal | undefined;
};

/** Seconds of work between two events. */
const chunkSeconds = 0.5;

/**
 * Trains a model, natively and off the JS thread; the optimiser's state starts at zero. The same model seed, data and settings
 * give the same weights, to the bit (same machine, same number of threads).
 *
 * @returns a promise of the result that is also an async iterable of events.
 * @throws ERR_CONFIG for a wrong option, ERR_SHAPE when the images do not fit the model, ERR_BUSY when it is being trained; all at once. The
 *   promise rejects with ERR_NOT_FINITE (the message names the layer; the weights are those of the last good step), ERR_ABORTED,
 *   ERR_RUN_EXISTS, ERR_FILE, ERR_CLOSED.
 * @example
 * const { evaluation } = await train(model, { train: digits, test: held }, { epochs: 1, lr: 0.2, run: 'runs/first' });
 */
export function train(model: Model, data: TrainData, options: TrainOptions = {}): TrainRun {
  if (!(model instanceof Model)) throw expected('ERR_CONFIG', 'a Model', 'model', model);
  const { run, signal, ...rest } = options;
  if (run !== undefined && typeof run !== 'string') throw expected('ERR_CONFIG', 'a path', 'train.run', run);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw expected('ERR_CONFIG', 'an AbortSignal', 'train.signal', signal);
  const settings = parseOptions(trainSchema, rest, 'train');
  if (settings.tensorboard && run === undefined)
    throw expected('ERR_CONFIG', 'a run folder, for TensorBoard,', 'train.run', run);
  const sets = {
    train: model.check(data.train, true),
    test: data.test === undefined ? undefined : model.check(data.test, false),
  };
  checkSets(sets, settings);
  const loop = new Loop(model, sets, settings, run, signal);
  return new TrainRun(
    (emit) => loop.run(emit),
    () => loop.stop(),
  );
}

interface Sets {
  readonly train: Dataset;
  readonly test: Dataset | undefined;
}

function checkSets(
  { train: { count, classNames, name }, test }: Sets,
  { batch, accumulate, steps }: TrainSettings,
): void {
  if (count === null && steps === undefined)
    throw expected('ERR_CONFIG', 'the number of steps, for a stream has no epochs,', 'train.steps', steps);
  if (count !== null && count < batch * accumulate)
    throw expected(
      'ERR_CONFIG',
      `at most ${count}, the number of training images, in a step`,
      'train.batch',
      accumulate === 1 ? batch : `${accumulate} x ${batch}`,
    );
  if (test === undefined) return;
  if (test.count === null)
    throw expected('ERR_CONFIG', 'images that can be read again', 'data.test', test.name);
  const differs = test.classNames.findIndex((other, i) => other !== classNames[i]);
  if (differs >= 0 && classNames.length > 0)
    throw expected(
      'ERR_DATASET',
      `the class "${classNames[differs] ?? 'none'}" at ${differs}, as in ${name},`,
      test.name,
      test.classNames[differs],
      {
        hint: 'Both parts need the same classes in the same order: one folder for each class in both.',
      },
    );
}

/** One training, from its first step to its last. */
class Loop {
  readonly #model: Model;
  readonly #data: Sets;
  readonly #settings: TrainSettings;
  readonly #folder: string | undefined;
  readonly #signal: AbortSignal | undefined;
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
  #secondsPerStep = Number.NaN;

  constructor(model: Model, data: Sets, settings: TrainSettings, folder?: string, signal?: AbortSignal) {
    this.#model = model;
    this.#data = data;
    this.#settings = settings;
    this.#folder = folder;
    this.#signal = signal;
    const { native: open, end } = model.beginTraining(() => this.stop());
    this.#native = open;
    try {
      this.#trainer = openTrainer(open, model, data.train, settings);
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

  async run(emit: (event: TrainEvent) => void): Promise<TrainResult> {
    const abort = (): void => this.stop();
    this.#signal?.addEventListener('abort', abort, { once: true });
    if (this.#signal?.aborted) this.stop();
    try {
      const files = await openRunFiles(this.#folder, this.#model, this.#settings, this.#data.train);
      try {
        return await this.#train(files, (event) => {
          emit(event);
          return files.log(event);
        });
      } finally {
        await files.close();
      }
    } finally {
      this.#signal?.removeEventListener('abort', abort);
      this.#trainer.close();
      this.#end();
    }
  }

  async #train(files: RunFiles, emit: (event: TrainEvent) => Promise<void>): Promise<TrainResult> {
    let evaluation: NativeEvaluation | null = null;
    await resetState(this.#model.graph, this.#native, this.#settings);
    while (this.#step < this.#totalSteps && !this.#stopping) {
      const chunk = await this.#chunk(emit);
      for (const bad of chunk.bad) await emit({ type: 'warning', step: this.#step, ...bad });
      if (chunk.notFinite !== null) throw await this.#notFinite(chunk.notFinite, files, emit);
      if (chunk.exhausted) break;
      if (this.#isEpochEnd() && this.#data.test !== undefined && !this.#stopping)
        evaluation = await this.#evaluate(emit);
    }
    const checkpoint = this.#model.closed ? null : await this.#checkpoint(files, emit);
    await files.finish(this.#data.test === undefined ? undefined : 'test');
    const stopped = this.#step < this.#totalSteps;
    if (stopped && this.#signal?.aborted) throw this.#aborted(checkpoint);
    if (checkpoint === null && this.#model.closed)
      throw new LmError(
        'ERR_CLOSED',
        `The model was closed after step ${this.#step} of ${this.#totalSteps} of its training`,
      );
    return this.#result(evaluation, checkpoint, files.folder, stopped);
  }

  /** Runs steps natively for about `chunkSeconds`, to the end of the epoch at most. */
  async #chunk(emit: (event: TrainEvent) => Promise<void>): Promise<NativeChunkResult> {
    const stepsPerEpoch = this.#stepsPerEpoch;
    const wanted = Math.max(1, Math.round(chunkSeconds / this.#secondsPerStep) || 1);
    const left = Math.min(this.#totalSteps - this.#step, stepsPerEpoch - (this.#step % stepsPerEpoch));
    const laid = { stepsPerEpoch, totalSteps: this.#totalSteps };
    const steps = { first: this.#step, count: Math.min(wanted, left) };
    const table = stepTable(this.#settings, laid, steps);
    const chunk = await this.#trainer.run({ first: this.#step, table });
    if (chunk.steps === 0) return chunk;
    this.#step += chunk.steps;
    this.#seconds += chunk.seconds;
    this.#samples += chunk.samples;
    this.#secondsPerStep = chunk.seconds / chunk.steps;
    this.#loss = chunk.losses.reduce((a, b) => a + b, 0) / chunk.steps;
    await emit({
      type: 'step',
      step: this.#step,
      totalSteps: this.#totalSteps,
      epoch: this.#step / stepsPerEpoch,
      loss: this.#loss,
      losses: [...chunk.losses],
      samples: chunk.samples,
      top1: chunk.correct1 / chunk.samples,
      lr: stepScalars(this.#settings, laid, this.#step - 1).lr,
      imagesPerSecond: chunk.samples / chunk.seconds,
    });
    return chunk;
  }

  #isEpochEnd(): boolean {
    return this.#step === this.#totalSteps || this.#step % this.#stepsPerEpoch === 0;
  }

  async #evaluate(emit: (event: TrainEvent) => Promise<void>): Promise<NativeEvaluation | null> {
    const { test } = this.#data;
    if (test === undefined || this.#model.closed) return null;
    const { workers, prefetch, onBadImage, badImageLimit } = this.#settings;
    const evaluation = await this.#model.evaluate(test, { workers, prefetch, onBadImage, badImageLimit });
    const { loss, top1, top5, count, bad } = evaluation;
    for (const one of bad) await emit({ type: 'warning', step: this.#step, ...one });
    const epoch = this.#step / this.#stepsPerEpoch;
    await emit({ type: 'eval', step: this.#step, epoch, loss, top1, top5, count });
    return evaluation;
  }

  async #checkpoint(files: RunFiles, emit: (event: TrainEvent) => Promise<void>): Promise<string | null> {
    const path = await files.checkpoint({
      step: this.#step,
      totalSteps: this.#totalSteps,
      settings: this.#settings,
    });
    if (path !== null) await emit({ type: 'checkpoint', step: this.#step, path });
    return path;
  }

  async #notFinite(
    layer: string,
    files: RunFiles,
    emit: (event: TrainEvent) => Promise<void>,
  ): Promise<LmError> {
    const checkpoint = await this.#checkpoint(files, emit);
    await files.finish(this.#data.test === undefined ? undefined : 'test');
    const saved = checkpoint === null ? 'the weights are' : `${checkpoint} has the weights`;
    const message = `Step ${this.#step + 1} is not finite: the first NaN or infinity appeared in ${layer}; ${saved} of the step before`;
    return new LmError('ERR_NOT_FINITE', message, {
      hint: `Lower the learning rate (lr is ${peakRate(this.#settings)}) or warm up longer.`,
    });
  }

  #aborted(checkpoint: string | null): LmError {
    const hint =
      checkpoint === null ? 'Give a run folder to keep the weights.' : `The weights so far: ${checkpoint}`;
    return new LmError(
      'ERR_ABORTED',
      `The training was aborted after step ${this.#step} of ${this.#totalSteps}`,
      {
        hint,
        cause: this.#signal?.reason,
      },
    );
  }

  #result(
    evaluation: NativeEvaluation | null,
    checkpoint: string | null,
    run: string | null,
    stopped: boolean,
  ): TrainResult {
    return {
      steps: this.#step,
      epochs: this.#step / this.#stepsPerEpoch,
      loss: this.#loss,
      evaluation,
      seconds: this.#seconds,
      imagesPerSecond: this.#samples / this.#seconds,
      checkpoint,
      run,
      stopped,
    };
  }
}
