/** The files of a run: settings, log, checkpoints, the last evaluation, picture, TensorBoard's events. */
import { join } from 'node:path';
import type { DetailedEvaluation } from '../evaluate/evaluateInDetail.ts';
import { replaceFile } from '../files.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { CoefficientsRow, MetricsRow, StepRow } from '../metricsRow.ts';
import { coreOf, type Model } from '../model/model.ts';
import { snapshot } from '../model/save.ts';
import type { NativeLoaderSpec, TensorSet } from '../native/binding.ts';
import { writeCurves } from '../pictureFile.ts';
import { boardCoefficients, boardEvent, boardSamples } from './board.ts';
import { type Resumed, rewindRun, writeRunCheckpoint } from './checkpoints.ts';
import { openEventFile } from './eventFile.ts';
import type { TrainEvent } from './events.ts';
import { createRunFolder, runFileNames } from './folder.ts';
import { lockRun, type RunLock } from './lock.ts';
import { openMetrics, readMetrics } from './metricsLog.ts';
import type { FileSettings, RunState } from './runState.ts';

export interface RunFiles {
  readonly folder: string | null;
  /** Path of the newest checkpoint; null without a run folder. */
  readonly checkpoint: string | null;
  /**
   * Writes what is known of an event.
   *
   * @throws ERR_FILE when the file system refuses: it is kept, and later calls and `close` try again.
   */
  log(event: TrainEvent): Promise<void>;
  /** What the last evaluation found, class by class: it is written with its event. */
  evaluation(found: DetailedEvaluation): void;
  /** Copies what a checkpoint holds; the function writes it, while the model may change. */
  save(state: RunState<FileSettings>): Promise<() => Promise<void>>;
  /** Seconds of training that the log tells of, with so many images in a step. */
  secondsSoFar(imagesPerStep: number): Promise<number>;
  /** Draws the curves; `evaluated` names the held-out images. */
  finish(evaluated: string | undefined): Promise<void>;
  /** @throws ERR_FILE when something could not be written. */
  close(): Promise<void>;
}

const none: RunFiles = {
  folder: null,
  checkpoint: null,
  log: async () => {},
  evaluation: () => {},
  save: async () => async () => {},
  secondsSoFar: async () => 0,
  finish: async () => {},
  close: async () => {},
};

/** What the files of a run tell of. */
export interface Recorded {
  readonly model: Model;
  readonly settings: FileSettings;
  /** What it truly used, for settings.json: settings, network, classes, data, transforms. */
  readonly used: object;
  /** What its checkpoints hold beside the values. */
  readonly sets: readonly TensorSet[];
  /** Training images, and how they get into batches: TensorBoard shows some of them. */
  readonly data: Dataset;
  readonly loader: () => NativeLoaderSpec;
}

/** The folder of a run, and what it goes on from there. */
export interface RunPlace<S extends FileSettings = FileSettings> {
  /** Undefined: nothing is written. */
  readonly folder: string | undefined;
  /** Of the folder, where it is taken already, and is there. */
  readonly lock?: RunLock | undefined;
  /** The checkpoint that it goes on from; default: it begins anew. */
  readonly resumed?: Resumed<S> | undefined;
}

/**
 * Creates the folder of a run, or takes the one of a run that goes on, and opens its logs; without a folder
 * nothing is written. The folder is locked until the files are closed.
 *
 * @throws ERR_RUN_EXISTS, ERR_BUSY, ERR_FILE.
 */
export async function openRunFiles(place: RunPlace, recorded: Recorded): Promise<RunFiles> {
  const { folder, resumed } = place;
  if (folder === undefined) return none;
  const isNew = place.lock === undefined && resumed === undefined;
  if (isNew) await createRunFolder(folder);
  const lock = place.lock ?? (await lockRun(folder));
  try {
    if (isNew) await createRunFolder(folder); // another may have begun and ended since
    return await openLocked({ folder, lock, resumed }, recorded);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked(
  { folder, lock, resumed }: RunPlace & { readonly folder: string; readonly lock: RunLock },
  { model, settings, used, sets, data, loader }: Recorded,
): Promise<RunFiles> {
  if (resumed !== undefined) await rewindRun(resumed);
  const json = `${JSON.stringify(used, null, 2)}\n`;
  await replaceFile(join(folder, runFileNames.settings), (file) => file.writeFile(json));
  const board = settings.tensorboard ? await openEventFile(folder, { fromStep: resumed?.state.step }) : null;
  const metrics = join(folder, runFileNames.metrics);
  const log = await openMetrics(metrics).catch(async (error: unknown) => {
    await board?.close();
    throw error;
  });
  const writeCoefficients = (row: CoefficientsRow | null): (Promise<void> | null)[] =>
    row === null ? [] : [log.write(row), board && boardCoefficients(board, model.graph, row)];
  let evaluation: string | undefined;
  const writeEvaluation = async (): Promise<void> => {
    const text = evaluation;
    if (text === undefined) return;
    await replaceFile(join(folder, runFileNames.evaluation), (file) => file.writeFile(text));
    if (evaluation === text) evaluation = undefined;
  };
  const files: RunFiles = {
    folder,
    checkpoint: join(folder, runFileNames.newest),
    close: () => all([writeEvaluation(), board?.close() ?? null, log.close()]).finally(() => lock.release()),
    async log(event) {
      const row = rowOf(event);
      const learned = event.type === 'eval' ? await coefficients(model, event) : null;
      await all([
        ...writeCoefficients(learned),
        row === null ? null : log.write(row),
        board && boardEvent(board, event),
        writeEvaluation(),
      ]);
    },
    evaluation(found) {
      evaluation = `${JSON.stringify(found)}\n`;
    },
    async save(state) {
      const copied = await snapshot(coreOf(model), { ...state }, sets);
      return () => writeRunCheckpoint(folder, state, copied);
    },
    async secondsSoFar(imagesPerStep) {
      return trainingSeconds(await readMetrics(metrics), imagesPerStep);
    },
    async finish(evaluated) {
      const options = { title: model.graph.name, evaluated, loss: settings.loss };
      await writeCurves(join(folder, runFileNames.curves), await readMetrics(metrics), options);
    },
  };
  if (resumed !== undefined) return files;
  try {
    await all(writeCoefficients(await coefficients(model, { step: 0, epoch: 0 })));
    if (board !== null) await boardSamples(board, data, loader(), model.classNames);
    return files;
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** Waits for all of them, for one that fails is no reason to leave the others out; then throws its error. */
async function all(writes: readonly (Promise<void> | null)[]): Promise<void> {
  const failed = (await Promise.allSettled(writes)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

/** What stands in the log of an event, if anything. */
function rowOf(event: TrainEvent): MetricsRow | null {
  if (event.type === 'step') {
    const { losses: _, samples: __, totalSteps: ___, ...row } = event;
    return row;
  }
  if (event.type === 'eval') {
    const { count: _, ...row } = event;
    return row;
  }
  return event.type === 'warning' ? event : null;
}

/** A checkpoint has no clock: the time of a run stands in its log. */
function trainingSeconds(rows: readonly MetricsRow[], imagesPerStep: number): number {
  const steps = rows.filter((row) => row.type === 'step');
  const secondsOf = ({ step, imagesPerSecond }: StepRow, i: number): number =>
    ((step - (steps[i - 1]?.step ?? 0)) * imagesPerStep) / imagesPerSecond;
  return steps.map(secondsOf).reduce((a, b) => a + b, 0);
}

/** Values of the learned coefficients; null where there are none, or the model was closed. */
async function coefficients(
  model: Model,
  { step, epoch }: Pick<CoefficientsRow, 'step' | 'epoch'>,
): Promise<CoefficientsRow | null> {
  const found = model.graph.params.filter(({ kind }) => kind === 'coefficient');
  if (found.length === 0 || model.closed) return null;
  const values = await Promise.all(
    found.map(async ({ path }) => [path, rounded(await model.readTensor(path))] as const),
  );
  return { type: 'coefficients', step, epoch, values: Object.fromEntries(values) };
}

/** A float32 is told from its neighbours by 9 digits; more would only lengthen the log. */
function rounded(values: Float32Array | Float64Array): number[] {
  return Array.from(values, (v) => (values instanceof Float32Array ? Number(v.toPrecision(9)) : v));
}
