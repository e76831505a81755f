/** The figures of a report: loss, top-1, learning rate, speed, and learned coefficients over the epochs. */
import { must } from '../../must.ts';
import { extent, type Point, padded } from '../../picture/axes.ts';
import { fromZero, smoothed, withoutStart } from '../../picture/curves.ts';
import { color, curveSample, type LegendEntry, line } from '../chart.ts';
import type { Comparison, RunReport } from './comparison.ts';
import type { ChartCurve, ChartSpec, Scale } from './curveChart.ts';
import { runColor, runDash } from './key.ts';

/** Raw curves of more runs than these would hide the smoothed ones. */
const mostRaw = 3;

const trainKey: LegendEntry = {
  label: 'training, smoothed',
  sample: curveSample(color.ink, { dots: false }),
};
const testKey: LegendEntry = { label: 'held-out images', sample: curveSample(color.ink) };

/** The last epoch of all runs; 1 of none. */
export function lastEpoch({ runs }: Comparison): number {
  return Math.max(...runs.map(({ result }) => result.epochs)) || 1;
}

/** Loss, top-1, learning rate and speed, all runs in each. */
export function runCharts({ runs }: Comparison): ChartSpec[] {
  return [...lossCharts(runs), accuracyChart(runs), rateChart(runs), speedChart(runs)];
}

/** Losses of one kind have one axis: cross entropies, among them those of all evaluations, and others. */
function lossCharts(runs: readonly RunReport[]): ChartSpec[] {
  const all = pairs(runs, (row) => row.loss);
  const isOther = ({ run, style }: ChartCurve): boolean =>
    style !== 'dots' && must(runs[run]).loss !== 'crossEntropy';
  return [
    lossChart(
      'Loss',
      'cross entropy (nats)',
      all.filter((curve) => !isOther(curve)),
    ),
    lossChart('Training loss', 'binary cross entropy (nats)', all.filter(isOther)),
  ];
}

function lossChart(title: string, yName: string, curves: readonly ChartCurve[]): ChartSpec {
  const [low, high] = extent(curves.map(({ points }) => points));
  const log = low > 0 && high > 100 * low;
  const [from, to] = log ? [low * 0.8, high * 1.25] : fromZero(low, high);
  return { title, yName, y: { low: from, high: to, log }, curves, key: keyOf(curves), readOut: 'all' };
}

function accuracyChart(runs: readonly RunReport[]): ChartSpec {
  const curves = pairs(runs, (row) => 100 * row.top1);
  const y = scale(padded(withoutStart(curves.flatMap(({ points }) => points)), 0.06, 0, 100.5));
  return { title: 'Top-1', yName: 'top-1 (%)', unit: ' %', y, curves, key: keyOf(curves), readOut: 'all' };
}

function rateChart(runs: readonly RunReport[]): ChartSpec {
  const curves = singles(runs, 'learning rate', ({ steps }) =>
    steps.map(({ epoch, lr }): Point => [epoch, lr]),
  );
  return {
    title: 'Learning rate',
    yName: 'learning rate',
    y: upFromZero(curves),
    curves,
    key: [],
    readOut: 'all',
  };
}

function speedChart(runs: readonly RunReport[]): ChartSpec {
  const curves = singles(runs, 'images/s', ({ steps }) =>
    smoothed(steps.map(({ epoch, imagesPerSecond }): Point => [epoch, imagesPerSecond])),
  );
  return {
    title: 'Speed',
    yName: 'images per second',
    y: upFromZero(curves),
    curves,
    key: [],
    readOut: 'all',
  };
}

/**
 * Learned coefficients of one run, a curve for every step of the network, from blue to orange; null where
 * nothing was learned.
 */
export function coefficientChart({ coefficients, name }: RunReport, run: number): ChartSpec | null {
  if (coefficients === null) return null;
  const { kind, names, epochs, values } = coefficients;
  const curves = names.map((label, i): ChartCurve => {
    const points = epochs.map((epoch, at): Point => [epoch, must(must(values[i])[at])]);
    return { run, label, stroke: depthColor(i / Math.max(1, names.length - 1)), style: 'line', points };
  });
  const key = [{ label: 'first step of the network', sample: curveSample(depthColor(0), { dots: false }) }];
  const last = { label: 'last', sample: rampSample };
  return {
    title: name,
    yName: kind === 'k' ? 'kₙ' : 'coefficient, as stored',
    y: scale(padded(extent(curves.map(({ points }) => points)), 0.08)),
    curves,
    key: names.length > 1 ? [...key, last] : [],
    readOut: 'nearest',
  };
}

/** From the colour of the first step to that of the last. */
function depthColor(t: number): string {
  return `color-mix(in oklch, ${color.second} ${Math.round(100 * t)}%, ${color.first})`;
}

/** The colours between first and last, side by side. */
function rampSample([x, y]: Point): string {
  return [0.2, 0.4, 0.6, 0.8, 1]
    .map((t, i) => line([x - 13 + 5.2 * i, y], [x - 7.8 + 5.2 * i, y], depthColor(t), { width: 3 }))
    .join('');
}

/** Training, raw where there are few runs and smoothed, and held-out images of every run. */
function pairs(
  runs: readonly RunReport[],
  of: (row: { readonly loss: number; readonly top1: number }) => number,
): ChartCurve[] {
  return runs.flatMap(({ steps, evals }, run) => {
    const raw = steps.map((row): Point => [row.epoch, of(row)]);
    const test = evals.map((row): Point => [row.epoch, of(row)]);
    const common = lookOf(run);
    const curves: ChartCurve[] = [
      { ...common, style: 'faint', points: runs.length > mostRaw ? [] : raw },
      { ...common, label: 'train', style: 'line', points: smoothed(raw) },
      { ...common, label: 'test', style: 'dots', points: test },
    ];
    return curves.filter(({ points }) => points.length > 0);
  });
}

function lookOf(run: number): Pick<ChartCurve, 'run' | 'stroke' | 'dash'> {
  return { run, stroke: runColor(run), dash: runDash(run) };
}

function singles(
  runs: readonly RunReport[],
  label: string,
  of: (run: RunReport) => readonly Point[],
): ChartCurve[] {
  return runs
    .map((one, run): ChartCurve => ({ ...lookOf(run), label, style: 'line', points: of(one) }))
    .filter(({ points }) => points.length > 0);
}

/** What the curves mean, as far as they are there. */
function keyOf(curves: readonly ChartCurve[]): LegendEntry[] {
  const has = (style: ChartCurve['style']): boolean => curves.some((curve) => curve.style === style);
  return [...(has('line') ? [trainKey] : []), ...(has('dots') ? [testKey] : [])];
}

function upFromZero(curves: readonly ChartCurve[]): Scale {
  const [, highest] = extent(curves.map(({ points }) => points));
  return { low: 0, high: highest * 1.08 || 1 };
}

function scale([low, high]: readonly [number, number]): Scale {
  return { low, high };
}
