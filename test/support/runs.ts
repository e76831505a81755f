/** Folders of runs as a training writes them, made by hand. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvalRow, MetricsRow, StepRow } from '../../src/metricsRow.ts';

/** A row of step n, ten of which are an epoch. */
export const stepRow = (step: number, loss = 1 / step): StepRow => ({
  type: 'step',
  step,
  epoch: step / 10,
  loss,
  top1: 1 - loss / 2,
  lr: 0.1,
  imagesPerSecond: 900 + step,
});

/** An evaluation after step n. */
export const evalRow = (step: number, top1: number): EvalRow => ({
  type: 'eval',
  step,
  epoch: step / 10,
  loss: 0.5,
  top1,
  top5: 1,
  nonFinite: 0,
});

/** Twenty steps and two evaluations. */
export const rows: readonly MetricsRow[] = [
  ...Array.from({ length: 10 }, (_, i) => stepRow(i + 1)),
  evalRow(10, 0.9),
  ...Array.from({ length: 10 }, (_, i) => stepRow(i + 11)),
  evalRow(20, 0.8),
];

/** Writes a run; returns its folder. */
export async function writeRun(
  folder: string,
  settings: Readonly<Record<string, unknown>> = {},
  log: readonly MetricsRow[] = rows,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'settings.json'), JSON.stringify({ model: 'tiny', ...settings }));
  await writeFile(join(folder, 'metrics.jsonl'), log.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return folder;
}
