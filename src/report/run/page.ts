/** Runs side by side as one HTML page that needs nothing else. */
import { expected } from '../../errors.ts';
import { must } from '../../must.ts';
import { escapeXml } from '../../picture/text.ts';
import { short } from '../chart.ts';
import { aside, inline, paragraph, section } from '../html.ts';
import type { Comparison } from './comparison.ts';
import { confusionFigure, type HeatData, mistakeTable } from './confusionFigure.ts';
import { type ChartData, type ChartSpec, curveChart } from './curveChart.ts';
import { coefficientChart, lastEpoch, runCharts } from './figures.ts';
import { runKey } from './key.ts';
import { script } from './script.ts';
import { reportStyle } from './style.ts';
import { resultTable, settingsTable, sharedTable } from './tables.ts';

/** What the script reads; filled while the figures are drawn. */
interface PageData {
  readonly charts: ChartData[];
  readonly heats: HeatData[];
}

/**
 * A self-contained page that compares runs: results, settings that differ, curves, learned coefficients,
 * confusion matrices. Its script only reads curves out (pointer, or Tab and the arrow keys); nothing is
 * fetched, and it is light or dark as the reader's system.
 *
 * @example
 * await writeFile('report.html', reportPage(await compareRuns(['runs/a', 'runs/b'])));
 */
export function reportPage(comparison: Comparison): string {
  if (!Array.isArray(comparison?.runs))
    throw expected('ERR_CONFIG', 'a comparison', 'comparison', comparison);
  const { runs } = comparison;
  const title = runs.length === 1 ? must(runs[0]).name : `${runs.length} runs compared`;
  const data: PageData = { charts: [], heats: [] };
  const body = [
    header(comparison, title),
    section('Results', [], resultTable(comparison), 'long'),
    settingsSection(comparison),
    curvesSection(comparison, data),
    coefficientsSection(comparison, data),
    confusionSection(comparison, data),
  ];
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeXml(title)}: training report</title>
<style>${reportStyle(runs.length)}</style>
</head>
<body><main>
${body.join('\n')}
<footer>Made by lm-resnet.</footer>
</main>
<script type="application/json" id="data">${json}</script>
<script>${script}</script>
</body>
</html>
`;
}

function header({ runs }: Comparison, title: string): string {
  const boxes = runs.map(
    ({ name }, i) => `<label><input type="checkbox" id="show-${i}" checked>${runKey(i, name)}</label>`,
  );
  const chooser =
    runs.length === 1
      ? ''
      : `<div class="runs" role="group" aria-label="Runs shown in the figures">${boxes.join('')}</div>`;
  return `<header><h1>${escapeXml(title)}</h1>
<p class="lead">${lead(runs)}</p></header>
${chooser}`;
}

/** Which run ended up best, in a sentence (HTML). */
function lead(runs: Comparison['runs']): string {
  const ranked = runs
    .filter(({ result }) => result.bestTop1 !== null)
    .toSorted((a, b) => must(b.result.bestTop1) - must(a.result.bestTop1));
  const [first] = ranked;
  if (first === undefined) return 'No run has been evaluated on held-out images.';
  const { bestTop1, bestEpoch } = first.result;
  const where = runs.length === 1 ? '' : ` of ${escapeXml(first.name)}`;
  return `Best top-1 on held-out images: ${(100 * must(bestTop1)).toFixed(2)} %${where}, after epoch ${short(must(bestEpoch))}.`;
}

function settingsSection(comparison: Comparison): string {
  const { runs, differing, equal } = comparison;
  if (runs.length === 1) return section('Settings', [], sharedTable(equal), 'long');
  const shared = `<details><summary>Options that are equal (${equal.length})</summary>${sharedTable(equal)}</details>`;
  if (differing.length === 0)
    return section('Settings that differ', [aside('None: all runs have the same settings.')], shared, 'long');
  return section('Settings that differ', [], `${settingsTable(comparison, differing)}${shared}`, 'long');
}

function curvesSection(comparison: Comparison, data: PageData): string {
  const charts = runCharts(comparison).filter(({ curves }) => curves.length > 0);
  const figures = charts.map((spec) => chartFigure(comparison, spec, data));
  const how =
    '<p class="note screen">Point at a chart, or focus it and use the arrow keys, to read values.</p>';
  return section('Curves', [how], `<div class="grid">${figures.join('\n')}</div>`);
}

function coefficientsSection(comparison: Comparison, data: PageData): string {
  const title = 'Learned coefficients over time';
  const figures = comparison.runs.flatMap((run, i) => {
    const spec = coefficientChart(run, i);
    return spec === null ? [] : [chartFigure(comparison, spec, data, i)];
  });
  if (figures.length === 0)
    return section(title, [aside('Does not apply: no run has logged a learned coefficient.')], '');
  const text = paragraph(
    `Every curve is the ${inline('k_n')} of one step of a network, ${inline('u_{n+1} = (1 - k_n) u_n + k_n u_{n-1} + f_n(u_n)')}, from blue at its entrance to orange at its end; the mean, where a step has one ${inline('k')} per channel.`,
  );
  const other = comparison.runs.some(({ coefficients }) => coefficients?.kind === 'stored');
  const note = other
    ? [aside('Where the axis says “as stored”, the curves are the parameters themselves.')]
    : [];
  return section(title, [text, ...note], `<div class="grid">${figures.join('\n')}</div>`);
}

/**
 * A chart over its read-out, which rests at the ends of the curves; of one run alone where `only` is given.
 */
function chartFigure(comparison: Comparison, spec: ChartSpec, data: PageData, only?: number): string {
  const i = data.charts.length;
  const { svg, data: chart } = curveChart(spec, lastEpoch(comparison), `plot-${i}`);
  data.charts.push(chart);
  const heading = only === undefined ? escapeXml(spec.title) : runKey(only, spec.title);
  const look = only === undefined ? '' : ` class="run-${only}"`;
  return `<figure${look} data-chart="${i}"><h3>${heading}</h3>
<div class="plot" tabindex="0" role="group" aria-label="${escapeXml(spec.title)}: arrow keys read values">${svg}</div>
<output class="readout">${chart.nearest ? nearestReadOut(chart) : lineReadOut(comparison, chart)}</output></figure>`;
}

function nearestReadOut({ curves }: ChartData): string {
  const [first, last] = [curves[0], curves.at(-1)];
  const end = (curve: typeof first): string =>
    curve === undefined ? '' : `${curve.label}: ${short(curve.points.at(-1)?.[1] ?? Number.NaN, 4)}`;
  const text = curves.length > 1 ? `${end(first)} … ${end(last)}` : end(first);
  return `<span class="at" data-text>At the end</span><b data-nearest data-text>${escapeXml(text)}</b>`;
}

function lineReadOut({ runs }: Comparison, { curves, unit }: ChartData): string {
  const items = runs.map(({ name }, run) => {
    const own = curves.flatMap((curve, i) => (curve.run === run ? [{ ...curve, i }] : []));
    const parts = own.map(({ label, points, i }) => {
      const what = own.length > 1 ? `<span class="what">${escapeXml(label)}</span> ` : ' ';
      const end = short(points.at(-1)?.[1] ?? Number.NaN, 4);
      return `${what}<b data-line="${i}" data-text>${end}${end === '–' ? '' : unit}</b>`;
    });
    return parts.length === 0 ? '' : `<span class="run-${run}">${runKey(run, name)}${parts.join('')}</span>`;
  });
  return `<span class="at" data-text>At the end</span>${items.join('')}`;
}

function confusionSection({ runs }: Comparison, data: PageData): string {
  const figures = runs.flatMap(({ name, confusion }, run) => {
    if (confusion === null) return [];
    const { svg, data: heat } = confusionFigure(confusion, `Confusion matrix of ${name}`);
    data.heats.push(heat);
    return [
      `<figure class="run-${run}" data-heat="${data.heats.length - 1}"><h3>${runKey(run, name)}</h3>
<div class="plot" tabindex="0" role="group" aria-label="Confusion matrix of ${escapeXml(name)}: arrow keys read cells">${svg}</div>
<output class="readout">Point at a cell to read it.</output>
${mistakeTable(confusion)}</figure>`,
    ];
  });
  if (figures.length === 0) return '';
  const text = paragraph(
    'A row is a true class, a column the class that was ranked first; blue is right, red is wrong. Reds are relative to the most frequent mistake, so that rare ones show.',
  );
  return section('Which classes are mistaken', [text], `<div class="grid">${figures.join('\n')}</div>`);
}
