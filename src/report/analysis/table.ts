/** The table of all steps. */
import type { Analysis, StepAnalysis } from '../../analyze/analysis.ts';
import type { Range } from '../../analyze/coefficients.ts';
import { escapeXml } from '../../picture/text.ts';
import { short } from '../chart.ts';
import { inline } from '../html.ts';

/** A column: its heading (HTML), and a cell (HTML) of a step. */
interface Column {
  readonly heading: string;
  readonly cell: (step: StepAnalysis) => string;
  readonly left?: true;
}

const columns: readonly Column[] = [
  { heading: 'step', cell: ({ path }) => escapeXml(path) },
  { heading: inline('n'), cell: ({ n }) => String(n) },
  { heading: `depth ${inline('t')}`, cell: ({ t }) => t.toFixed(3) },
  { heading: 'shape', cell: ({ shape }) => shape.join(' × ') },
  { heading: 'kind', cell: kind, left: true },
  { heading: inline('k_n'), cell: ({ k }) => (k === null ? '–' : flagged(k)) },
  { heading: 'other learned', cell: others },
  {
    heading: 'zero-stable',
    cell: ({ zeroStable }) =>
      zeroStable === null ? '–' : zeroStable ? 'yes' : '<span class="bad">no</span>',
  },
  { heading: `of ${inline('u′')}`, cell: ({ modified }) => range(modified?.first) },
  { heading: `of ${inline('Δt u″')}`, cell: ({ modified }) => range(modified?.second) },
  {
    heading: `stable down to ${inline('z =')}`,
    cell: ({ real }) => (real === null ? '–' : real >= 64 ? '≤ −64' : short(-real)),
  },
  { heading: '‖u‖', cell: ({ norms }) => (norms === null ? '–' : short(norms.state)) },
  { heading: '‖f‖', cell: ({ norms }) => list(norms?.evaluations.map(({ norm }) => norm)) },
  { heading: '‖f‖/‖v‖', cell: ({ norms }) => list(norms?.evaluations.map(({ relative }) => relative)) },
  {
    heading: '‖Δu‖/‖u‖',
    cell: ({ norms }) => (norms?.relativeChange == null ? '–' : short(norms.relativeChange)),
  },
];

/** All steps, one row each; columns in which no step has anything are left out. */
export function stepTable({ steps }: Analysis): string {
  const shown = columns.filter(({ cell }) => steps.some((step) => cell(step) !== '–'));
  const head = shown.map(({ heading, left }) => `<th${left ? ' class="left"' : ''}>${heading}</th>`).join('');
  const rows = steps.map((step, i) => {
    const border = i > 0 && step.stage !== steps[i - 1]?.stage ? ' class="stage"' : '';
    const cells = shown
      .map(({ cell, left }) => `<td${left ? ' class="left"' : ''}>${cell(step)}</td>`)
      .join('');
    return `<tr${border}>${cells}</tr>`;
  });
  return `<div class="scroll" role="region" aria-label="Steps" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`;
}

function kind({ transition, kind: found, evaluations }: StepAnalysis): string {
  const what = transition ? 'transition' : (found ?? 'not linear');
  return evaluations > 1 ? `${what}, ${evaluations} f` : what;
}

function flagged(k: Range): string {
  return k.min <= -1 || k.max > 1 ? `<span class="bad">${range(k)}</span>` : range(k);
}

/** Learned coefficients that are not k itself. */
function others({ learned, k, path }: StepAnalysis): string {
  const rest = learned.filter(({ values }) => k === null || Math.abs(values.mean - k.mean) > 1e-6);
  if (rest.length === 0) return '–';
  return rest
    .map(({ path: name, values }) => `${escapeXml(name.replace(`${path}.`, ''))} = ${range(values)}`)
    .join('; ');
}

function range(values: Range | undefined): string {
  if (values === undefined) return '–';
  return values.max > values.min
    ? `${short(values.mean)} (${short(values.min)} … ${short(values.max)})`
    : short(values.mean);
}

function list(values: readonly number[] | undefined): string {
  if (values === undefined || values.length === 0) return '–';
  const [first = Number.NaN] = values;
  if (values.length <= 4) return values.map((x) => short(x)).join(', ');
  return `${short(first)}, … (${values.length})`;
}
