/**
 * The checkpoints of a run under way: when one is due, what it says, and its file, which is written while the
 * training goes on.
 */
import { bestFirst } from '../metricsRow.ts';
import type { Evaluation } from '../native/binding.ts';
import type { TrainEvent } from '../run/events.ts';
import type { RunFiles } from '../run/runFiles.ts';
import type { Evaluated, RunState } from '../run/runState.ts';
import type { TrainSettings } from './settings.ts';

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
  #writing: Promise<void> = Promise.resolve();

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

  /** Whether a checkpoint is due after so many steps. */
  isDue(step: number): boolean {
    const { keepBest } = this.#constant.settings;
    const isBest = this.#best.slice(0, keepBest).some((one) => one.step === step);
    return isBest || step % this.#every === 0 || step === this.#constant.totalSteps;
  }

  /** Steps until one is due. */
  stepsToNext(step: number): number {
    return this.#every - (step % this.#every);
  }

  /**
   * Copies the model after so many steps, unless its newest checkpoint is of that step; the file is written
   * while the training goes on.
   *
   * @throws ERR_FILE where the file before could not be written.
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
    this.#writing = write().then(async () => {
      if (path !== null) await emit({ type: 'checkpoint', step, path });
    });
    this.#writing.catch(() => {}); // told to whoever saves or waits next
  }

  /**
   * Waits for the file under way.
   *
   * @throws ERR_FILE where it could not be written.
   */
  written(): Promise<void> {
    return this.#writing;
  }
}
