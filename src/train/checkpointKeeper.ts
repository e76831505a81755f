/**
 * The checkpoints of a run under way: when one is due, what it says, and its file, which is written while the
 * training goes on.
 */
import { isLmError, LmError } from '../errors.ts';
import { bestFirst } from '../metricsRow.ts';
import type { Evaluation } from '../native/binding.ts';
import type { TrainEvent } from '../run/events.ts';
import type { RunFiles } from '../run/runFiles.ts';
import type { Evaluated, RunState } from '../run/runState.ts';
import type { TrainSettings } from './settings.ts';
import { unwritten } from './unwritten.ts';

/** From a checkpoint that could not be written to the next try. */
const againMs = 20_000;

/** What does not change while the run goes on. */
type Constant = Omit<RunState<TrainSettings>, 'step' | 'lossScale' | 'evaluation' | 'best'>;

/** The checkpoints of one run. */
export class CheckpointKeeper {
  readonly #files: RunFiles;
  readonly #constant: Constant;
  readonly #every: number;
  #evaluation: Evaluated | null;
  #best: RunState['best'];
  /** Step of the newest checkpoint, as long as nothing was evaluated since. */
  #saved: number | null;
  /** Step of the last one that is on the disk, and of the last that was told of. */
  #written: number | null;
  #told: number | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** Why the last one could not be written, and when it is tried again. */
  #failed: { readonly error: LmError; readonly againAt: number } | null = null;

  /**
   * @param stepsPerEpoch steps between checkpoints, unless the settings say how many.
   * @param from the checkpoint that the run goes on from.
   */
  constructor(files: RunFiles, constant: Constant, stepsPerEpoch: number, from?: RunState<TrainSettings>) {
    this.#files = files;
    this.#constant = constant;
    this.#every = constant.settings.checkpointEvery ?? stepsPerEpoch;
    this.#evaluation = from?.evaluation ?? null;
    this.#best = from?.best ?? [];
    this.#saved = from?.step ?? null;
    this.#written = this.#saved;
  }

  /** The last evaluation; null before the first. */
  get evaluation(): Evaluated | null {
    return this.#evaluation;
  }

  /** Steps from the best evaluation to the last one; 0 before the first. */
  get stepsSinceBest(): number {
    return (this.#evaluation?.step ?? 0) - (this.#best[0]?.step ?? 0);
  }

  /** Takes note of an evaluation. */
  evaluated(step: number, { loss, top1, top5, count, nonFinite }: Evaluation): void {
    const { keepBest }: TrainSettings = this.#constant.settings;
    this.#evaluation = { step, loss, top1, top5, count, nonFinite };
    const ranked = [...this.#best, { step, top1, loss }].toSorted(bestFirst);
    this.#best = ranked.slice(0, Math.max(1, keepBest));
    this.#saved = null;
  }

  /** Whether a checkpoint is due after so many steps: after an evaluation always, to say what it found. */
  isDue(step: number): boolean {
    const isEvaluated = this.#evaluation?.step === step;
    const isLate = this.#failed !== null && performance.now() >= this.#failed.againAt;
    return isEvaluated || isLate || step % this.#every === 0 || step === this.#constant.totalSteps;
  }

  /** Steps until one is due. */
  stepsToNext(step: number): number {
    return this.#every - (step % this.#every);
  }

  /**
   * Copies the model after so many steps, unless its newest checkpoint is of that step; the file is written
   * while the training goes on. One that could not be written is told of at once, and due again soon.
   */
  async save(
    { step, lossScale }: Pick<RunState, 'step' | 'lossScale'>,
    emit: (event: TrainEvent) => Promise<void>,
  ): Promise<void> {
    if (this.#saved === step) return;
    await this.#writing;
    const { checkpoint: path } = this.#files;
    const state = { ...this.#constant, step, lossScale, evaluation: this.#evaluation, best: this.#best };
    const write = await this.#files.save(state);
    this.#saved = step;
    this.#writing = write().then(
      async () => {
        this.#failed = null;
        this.#written = step;
        if (path === null || this.#told === step) return;
        this.#told = step;
        await emit({ type: 'checkpoint', step, path });
      },
      async (error: unknown) => {
        if (!isLmError(error, 'ERR_FILE')) throw error;
        this.#saved = null;
        this.#failed = { error, againAt: performance.now() + againMs };
        await emit(unwritten(step, error));
      },
    );
    this.#writing.catch(() => {}); // told to whoever saves or waits next
  }

  /**
   * Saves what a run ends with, and waits for the file; one that cannot be written is tried twice.
   *
   * @throws ERR_FILE where it could not be written.
   */
  async finish(...last: Parameters<CheckpointKeeper['save']>): Promise<void> {
    for (let tries = 0; tries < 2; tries++) {
      await this.save(...last);
      await this.#writing;
    }
    if (this.#failed !== null) throw missing(this.#failed.error, this.#written);
  }

  /** Waits for the file under way, whatever becomes of it. */
  written(): Promise<void> {
    return this.#writing.catch(() => undefined);
  }
}

/** The error of the last checkpoint of a run, with what there is instead. */
function missing({ code, message, hint = '', cause }: LmError, written: number | null): LmError {
  const there =
    written === null ? 'The run has no checkpoint' : `Its newest checkpoint is of step ${written}`;
  return new LmError(code, message, { hint: `${hint} ${there}.`.trimStart(), cause });
}
