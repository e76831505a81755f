/** Runs that are compared on a page. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetricsRow } from '../../src/metricsRow.ts';
import { compareRuns } from '../../src/report/run/compareRuns.ts';
import { reportPage } from '../../src/report/run/page.ts';
import { temporaryFolder } from './folder.ts';
import { rows, writeRun } from './runs.ts';

/** What a run has written. */
export interface Job {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly log?: readonly MetricsRow[];
  readonly evaluation?: unknown;
}

/** The page of some runs, by their names. */
export async function pageOf(jobs: Readonly<Record<string, Job>>): Promise<string> {
  const folder = await temporaryFolder();
  const paths: string[] = [];
  for (const [name, { settings, log, evaluation }] of Object.entries(jobs)) {
    const path = await writeRun(join(folder, name), settings, log);
    paths.push(path);
    if (evaluation !== undefined) await writeFile(join(path, 'evaluation.json'), JSON.stringify(evaluation));
  }
  return reportPage(await compareRuns(paths));
}

/** A row of two coefficients. */
export const coefficients = (step: number): MetricsRow => {
  const values = { 'stage1.step1.k': [-step / 100], 'stage1.step2.k': [step / 100] };
  return { type: 'coefficients', step, epoch: step / 10, values };
};
/** Four images of each of two classes, of which one is mistaken. */
export const cats = {
  confusion: [
    [3, 1],
    [0, 4],
  ],
  classNames: ['cat', '<dog>'],
};
/** A run that has all there is. */
export const full: Job = { log: [coefficients(0), ...rows, coefficients(20)], evaluation: cats };
