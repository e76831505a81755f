/** The files of a run: settings, log, checkpoint, picture. */
import { join } from 'node:path';
import { replaceFile } from '../files.ts';
import type { Model } from '../runtime/model.ts';
import { writeCurves } from './curves.ts';
import type { TrainEvent } from './events.ts';
import { openMetrics, readMetrics } from './metrics.ts';
import { optimizers } from './optimizerSpec.ts';
import type { TrainSettings } from './options.ts';
import { createRunFolder } from './runFolder.ts';

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
 * Creates the folder of a run and opens its log; without a folder nothing is written.
 *
 * @throws ERR_RUN_EXISTS, ERR_FILE.
 */
export async function openRunFiles(
  folder: string | undefined,
  model: Model,
  settings: TrainSettings,
): Promise<RunFiles> {
  if (folder === undefined) return none;
  await createRunFolder(folder);
  const json = `${JSON.stringify({ model: model.graph.name, ...settings }, null, 2)}\n`;
  await replaceFile(join(folder, 'settings.json'), (file) => file.writeFile(json));
  const metrics = join(folder, 'metrics.jsonl');
  const log = await openMetrics(metrics);
  const path = join(folder, 'checkpoint.safetensors');
  return {
    folder,
    close: () => log.close(),
    async log(event) {
      if (event.type === 'checkpoint') return;
      const { losses, samples, totalSteps, count, ...row } = {
        losses: 0,
        samples: 0,
        totalSteps: 0,
        count: 0,
        ...event,
      };
      await log.write(row);
    },
    async checkpoint(state) {
      await model.saveCheckpoint(path, { ...state }, optimizers[settings.optimizer].state);
      return path;
    },
    async finish(evaluated) {
      const title = `${model.graph.name}`;
      await writeCurves(join(folder, 'curves.png'), await readMetrics(metrics), { title, evaluated });
    },
  };
}
