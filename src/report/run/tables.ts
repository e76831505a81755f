/** The tables of a report: results, and settings. */
import { escapeXml } from '../../picture/text.ts';
import { short } from '../chart.ts';
import type { Comparison, RunReport, RunResult, SettingRow } from './comparison.ts';
import { runKey } from './key.ts';

/** A column of the results: its heading, its text, and which value is the best one where that can be said. */
interface Column {
  readonly heading: string;
  readonly cell: (run: RunReport) => string;
  readonly rank?: (result: RunResult) => number | null;
}

const columns: readonly Column[] = [
  { heading: 'model', cell: ({ model }) => model },
  { heading: 'parameters', cell: ({ parameters }) => whole(parameters) },
  { heading: 'steps', cell: ({ result }) => progress(result) },
  { heading: 'epochs', cell: ({ result }) => short(result.epochs) },
  { heading: 'best top-1', cell: ({ result }) => best(result), rank: ({ bestTop1 }) => bestTop1 },
  { heading: 'last top-1', cell: ({ result }) => percent(result.testTop1), rank: ({ testTop1 }) => testTop1 },
  { heading: 'last top-5', cell: ({ result }) => percent(result.testTop5), rank: ({ testTop5 }) => testTop5 },
  {
    heading: 'test loss',
    cell: ({ result }) => number(result.testLoss),
    rank: ({ testLoss }) => (testLoss === null ? null : -testLoss),
  },
  { heading: 'train loss', cell: trainLoss },
  { heading: 'images/s', cell: ({ result }) => whole(result.imagesPerSecond) },
];

/**
 * What the runs came to, one row each; the best of a column is bold. Columns in which no run has anything are
 * left out.
 */
export function resultTable({ runs }: Comparison): string {
  const shown = columns.filter(({ cell }) => runs.some((run) => cell(run) !== '–'));
  const tops = shown.map(({ rank }) => {
    const ranks = runs.flatMap(({ result }) => rank?.(result) ?? []).filter(Number.isFinite);
    return runs.length > 1 && ranks.length > 0 ? Math.max(...ranks) : null;
  });
  const rows = runs.map((run, i) => {
    const cells = shown.map(({ cell, rank }, j) => {
      const isBest = rank !== undefined && tops[j] !== null && rank(run.result) === tops[j];
      return `<td${isBest ? ' class="best"' : ''}>${escapeXml(cell(run))}</td>`;
    });
    return `<tr><th scope="row">${runKey(i, run.name)}</th>${cells.join('')}</tr>`;
  });
  const head = shown.map(({ heading }) => `<th>${heading}</th>`).join('');
  return table('Results', `<tr><th>run</th>${head}</tr>`, rows);
}

/** One row for every option, one column for every run. */
export function settingsTable({ runs }: Comparison, settings: readonly SettingRow[]): string {
  const head = runs.map(({ name }, i) => `<th>${runKey(i, name)}</th>`).join('');
  const rows = settings.map(
    ({ option, values }) =>
      `<tr><th scope="row">${escapeXml(option)}</th>${values.map((v) => `<td class="value">${setting(v)}</td>`).join('')}</tr>`,
  );
  return table('Settings that differ', `<tr><th>option</th>${head}</tr>`, rows);
}

/** One row for every option that all runs share. */
export function sharedTable(settings: readonly SettingRow[]): string {
  const rows = settings.map(
    ({ option, values }) =>
      `<tr><th scope="row">${escapeXml(option)}</th><td class="value">${setting(values[0])}</td></tr>`,
  );
  return table('Settings', '<tr><th>option</th><th>value</th></tr>', rows);
}

function table(name: string, head: string, rows: readonly string[]): string {
  return `<div class="scroll" role="region" aria-label="${name}" tabindex="0"><table><thead>${head}</thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`;
}

function setting(value: unknown): string {
  if (value === undefined || value === null) return '–';
  return escapeXml(typeof value === 'string' ? value : JSON.stringify(value));
}

function number(value: number | null): string {
  return value === null ? '–' : short(value, 4);
}

function percent(part: number | null): string {
  return part === null || !Number.isFinite(part) ? '–' : `${(100 * part).toFixed(2)} %`;
}

function trainLoss({ loss, result }: RunReport): string {
  const text = number(result.trainLoss);
  return loss === 'crossEntropy' || text === '–' ? text : `${text} (${loss})`;
}

function best({ bestTop1, bestEpoch }: RunResult): string {
  return bestTop1 === null ? '–' : `${percent(bestTop1)} (epoch ${number(bestEpoch)})`;
}

function whole(value: number | null): string {
  return value === null ? '–' : Math.round(value).toLocaleString('en-US');
}

function progress({ steps, totalSteps }: RunResult): string {
  const done = whole(steps);
  return totalSteps === null || totalSteps === steps ? done : `${done} of ${whole(totalSteps)}`;
}
