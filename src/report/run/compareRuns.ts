/** Run folders read and compared. */
import { basename } from 'node:path';
import { expected } from '../../errors.ts';
import { checkPath } from '../../files.ts';
import { must } from '../../must.ts';
import type { Comparison, RunReport, SettingRow } from './comparison.ts';
import { readRun } from './runReader.ts';

/** More could not be told apart in one picture. */
const mostRuns = 30;

/**
 * Reads run folders and compares them: settings, curves, learned coefficients, results. A run that still goes
 * on is read as far as it got; of a log that was continued from a checkpoint the later rows count.
 *
 * @param folders 1 to 30 run folders, as `train` writes them.
 * @returns plain data; `reportPage` makes a page of it.
 * @throws ERR_CONFIG for no folder, one that is named twice, or too many; ERR_FILE for what is no run folder;
 *   ERR_CHECKPOINT for a log without rows or with a damaged one, and for files of a newer version.
 * @example
 * const { differing } = await compareRuns(['runs/lm_resnet20', 'runs/lm_resnet20-2']);
 */
export async function compareRuns(folders: readonly string[]): Promise<Comparison> {
  if (!Array.isArray(folders) || folders.length === 0 || folders.length > mostRuns)
    throw expected('ERR_CONFIG', `1 to ${mostRuns} run folders`, 'runs', folders);
  for (const [i, folder] of folders.entries()) checkPath(folder, `runs[${i}]`);
  const names = namesOf(folders);
  const runs: RunReport[] = [];
  for (const [i, folder] of folders.entries())
    runs.push({ name: must(names[i]), ...(await readRun(folder)) });
  const rows = settingRows(runs);
  const differs = ({ values }: SettingRow): boolean =>
    new Set(values.map((v) => JSON.stringify(v ?? null))).size > 1;
  return { runs, differing: rows.filter(differs), equal: rows.filter((row) => !differs(row)) };
}

function namesOf(folders: readonly string[]): readonly string[] {
  const twice = folders.find((folder, i) => folders.indexOf(folder) !== i);
  if (twice !== undefined) throw expected('ERR_CONFIG', 'every run once', 'runs', twice);
  const short = folders.map((folder) => basename(folder));
  return short.map((name, i) =>
    short.filter((other) => other === name).length > 1 ? must(folders[i]) : name,
  );
}

function settingRows(runs: readonly RunReport[]): SettingRow[] {
  const options = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  return options.map((option) => ({ option, values: runs.map(({ settings }) => settings[option]) }));
}
