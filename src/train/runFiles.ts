/** The files of a run: settings, log, checkpoint, picture, TensorBoard's events. */
import { join } from 'node:path';
import { replaceFile } from '../files.ts';
import type { Dataset } from '../runtime/dataset.ts';
import type { Model } from '../runtime/model.ts';
import { writeCurves } from './curves.ts';
import type { TrainEvent } from './events.ts';
import { type CoefficientsRow, openMetrics, readMetrics } from './metrics.ts';
import type { TrainSettings } from './options.ts';
import { boardCoefficients, boardEvent, boardSamples } from './runBoard.ts';
import { createRunFolder } from './runFolder.ts';
import { stateSets } from './state.ts';
import { openEventFile } from './tensorboard.ts';

/** What a checkpoint says of the run that made it. */
export interface RunState {
  readonly step: number;
  readonly totalSteps: number;
  readonly settings: TrainSettings;
}

export interface RunFiles {
  readonly folder: string | null;
  log(event: TrainEvent): Promise<void>;
  /** Writes the checkpoint; its path, or null without a run folder. */
  checkpoint(state: RunState): Promise<string | null>;
  /** Draws the curves; `evaluated` names the held-out images. */
  finish(evaluated: string | undefined): Promise<void>;
  close(): Promise<void>;
}

const none: RunFiles = {
  folder: null,
  log: async () => {},
  checkpoint: async () => null,
  finish: async () => {},
  close: async () => {},
};

/**
 * Creates the folder of a run and opens its logs; without a folder nothing is written.
 *
 * @param data training images; TensorBoard shows some of them.
 * @throws ERR_RUN_EXISTS, ERR_FILE.
 */
export async function openRunFiles(
  folder: string | undefined,
  model: Model,
  settings: TrainSettings,
  data: Dataset,
): Promise<RunFiles> {
  if (folder === undefined) return none;
  await createRunFolder(folder);
  const json = `${JSON.stringify({ model: model.graph.name, ...settings }, null, 2)}\n`;
  await replaceFile(join(folder, 'settings.json'), (file) => file.writeFile(json));
  const board = settings.tensorboard ? await openEventFile(folder) : null;
  const metrics = join(folder, 'metrics.jsonl');
  const log = await openMetrics(metrics).catch(async (error: unknown) => {
    await board?.close();
    throw error;
  });
  const path = join(folder, 'checkpoint.safetensors');
  const logCoefficients = async (at: Pick<CoefficientsRow, 'step' | 'epoch'>): Promise<void> => {
    const row = await coefficients(model, at);
    if (row === null) return;
    await log.write(row);
    if (board !== null) await boardCoefficients(board, model.graph, row);
  };
  const files: RunFiles = {
    folder,
    async close() {
      await board?.close();
      await log.close();
    },
    async log(event) {
      if (board !== null) await boardEvent(board, event);
      if (event.type === 'checkpoint') return;
      const { losses, samples, totalSteps, count, ...row } = {
        losses: 0,
        samples: 0,
        totalSteps: 0,
        count: 0,
        ...event,
      };
      if (event.type === 'eval') await logCoefficients(event);
      await log.write(row);
    },
    async checkpoint(state) {
      await model.saveCheckpoint(path, { ...state }, stateSets(settings));
      return path;
    },
    async finish(evaluated) {
      const title = `${model.graph.name}`;
      await writeCurves(join(folder, 'curves.png'), await readMetrics(metrics), { title, evaluated });
    },
  };
  try {
    await logCoefficients({ step: 0, epoch: 0 });
    if (board !== null) await boardSamples(board, model, data, settings);
    return files;
  } catch (error) {
    await files.close();
    throw error;
  }
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
