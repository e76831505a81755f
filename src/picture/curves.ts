/** The picture of a training: loss above; accuracy and learning rate below; as SVG or PNG. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import { bestFirst, type EvalRow, type MetricsRow, type StepRow } from '../metricsRow.ts';
import { must } from '../must.ts';
import { type Axis, extent, linearAxis, logAxis, type Point, padded } from './axes.ts';
import { svgDocument } from './document.ts';
import { type Curve, drawPanel, type Panel } from './panel.ts';
import { text } from './text.ts';

/** How a picture of curves looks. */
export interface CurvesOptions {
  /** Default "Training". */
  readonly title?: string | undefined;
  /** Pixels, default 1100 x 800 (least 720 x 480); a PNG has twice as many in each direction. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Name of the evaluated images in the legend, default "test". */
  readonly evaluated?: string | undefined;
  /**
   * What the training minimised, default `crossEntropy`. Evaluations have cross entropies: beside another
   * loss they get an axis of their own.
   */
  readonly loss?: LossKind | undefined;
}

/** What a training minimises. */
export type LossKind = keyof typeof lossNames;

/** Losses as labels of axes say them. */
export const lossNames = { crossEntropy: 'cross entropy, nats', bce: 'binary cross entropy, nats' } as const;

const optionsSchema = z.strictObject({
  title: z.string().default('Training'),
  width: z.int().min(720).max(8000).default(1100),
  height: z.int().min(480).max(8000).default(800),
  evaluated: z.string().default('test'),
  loss: z.enum(['crossEntropy', 'bce']).default('crossEntropy'),
});

const colors = { train: '#2563eb', test: '#d9480f', lr: '#2b8a3e' } as const;

/**
 * Draws the curves of a run: training loss (raw and smoothed) and evaluation loss above; top-1 and the
 * learning rate below. A loss that spans more than two decades gets a logarithmic axis; losses of two kinds
 * have an axis each. Values that are not finite are gaps.
 *
 * @returns an SVG document.
 * @throws ERR_CONFIG for an option that is unknown or out of range.
 * @example
 * const svg = drawCurves(await readMetrics('runs/a/metrics.jsonl'), { title: 'lm_resnet20 on MNIST' });
 */
export function drawCurves(rows: readonly MetricsRow[], options: CurvesOptions = {}): string {
  if (!Array.isArray(rows) || rows.some((row) => typeof row?.type !== 'string'))
    throw expected('ERR_CONFIG', 'rows of metrics', 'rows', rows);
  const { title, width, height, evaluated, loss } = parseOptions(optionsSchema, options, 'curves');
  const steps = rows.filter((row) => row.type === 'step').toSorted((a, b) => a.step - b.step);
  const evals = rows.filter((row) => row.type === 'eval').toSorted((a, b) => a.step - b.step);
  const last = Math.max(1, steps.at(-1)?.step ?? 0, evals.at(-1)?.step ?? 0);
  const area = { x: 88, width: width - 88 - 96 };
  const x = linearAxis(0, last, Math.max(2, Math.floor(area.width / 115)));
  const free = height - 104 - 58 - 62;
  const top = Math.round(free * 0.54);
  return svgDocument(width, height, [
    text(title, area.x, 38, { size: 21, color: '#1f2328', bold: true }),
    text(summary(steps, evals, evaluated), area.x, 62, { size: 13.5 }),
    drawPanel(lossPanel(x, steps, evals, { evaluated, loss }), { ...area, y: 104, height: top }),
    drawPanel(accuracyPanel(x, steps, evals, evaluated), { ...area, y: 104 + top + 58, height: free - top }),
  ]);
}

interface Named {
  readonly evaluated: string;
  readonly loss: LossKind;
}

function lossPanel(
  x: Axis,
  steps: readonly StepRow[],
  evals: readonly EvalRow[],
  { evaluated, loss }: Named,
): Panel {
  const raw = steps.map((row): Point => [row.step, row.loss]);
  const test = evals.map((row): Point => [row.step, row.loss]);
  const [line, smooth, dots] = pair(raw, test, evaluated);
  if (loss === 'crossEntropy' || test.length === 0)
    return {
      x,
      left: lossAxis([raw, test]),
      leftLabel: `loss (${lossNames[loss]})`,
      curves: [line, smooth, dots],
    };
  return {
    x,
    left: lossAxis([raw]),
    leftLabel: `train (${lossNames[loss]})`,
    right: lossAxis([test]),
    rightLabel: `${evaluated} (${lossNames.crossEntropy})`,
    curves: [line, smooth, { ...dots, label: `${evaluated} (right axis)`, side: 'right' }],
  };
}

/** Logarithmic where the values span more than two decades. */
function lossAxis(curves: readonly (readonly Point[])[]): Axis {
  const [low, high] = extent(curves);
  return low > 0 && high > 100 * low
    ? logAxis(low * 0.8, high * 1.25)
    : linearAxis(...fromZero(low, high), 6);
}

function accuracyPanel(
  x: Axis,
  steps: readonly StepRow[],
  evals: readonly EvalRow[],
  evaluated: string,
): Panel {
  const raw = steps.map((row): Point => [row.step, 100 * row.top1]);
  const test = evals.map((row): Point => [row.step, 100 * row.top1]);
  const lr = steps.map((row): Point => [row.step, row.lr]);
  const [low, high] = padded(withoutStart([...raw, ...test]), 0.06, 0, 100.5);
  const [, highest] = extent([lr]);
  return {
    x,
    left: linearAxis(low, high, 5),
    leftLabel: 'top-1 (%)',
    right: linearAxis(0, highest * 1.08 || 1, 5),
    rightLabel: 'learning rate',
    xLabel: 'step',
    curves: [
      { label: 'learning rate', color: colors.lr, style: 'dashed', points: lr, side: 'right' },
      ...pair(raw, test, evaluated),
    ],
  };
}

function pair(raw: readonly Point[], test: readonly Point[], evaluated: string): [Curve, Curve, Curve] {
  return [
    { color: colors.train, style: 'faint', points: raw },
    { label: 'train (smoothed)', color: colors.train, style: 'line', points: smoothed(raw) },
    { label: evaluated, color: colors.test, style: 'dots', points: test },
  ];
}

/** A linear range that starts at 0 unless the values lie far from it. */
export function fromZero(low: number, high: number): readonly [number, number] {
  return low >= 0 && low < 0.5 * high ? [0, high * 1.05] : padded([low, high], 0.06);
}

/**
 * The range of a rising curve without its first steep part, so that the later, flat part can be told apart.
 */
export function withoutStart(points: readonly Point[]): readonly [number, number] {
  const [low, high] = extent([points]);
  const values = points.map(([, y]) => y).filter(Number.isFinite);
  const tenth = values.toSorted((a, b) => a - b)[Math.floor(values.length / 10)] ?? low;
  return [Math.max(low, tenth - 1.5 * (high - tenth) - 1), high];
}

/**
 * Mean over about 3 % of the points, centred, so that it does not lag; points that are not finite stay gaps.
 */
export function smoothed(points: readonly Point[]): Point[] {
  const reach = Math.floor(points.length / 66);
  const sums: (readonly [sum: number, count: number])[] = [[0, 0]];
  for (const [, y] of points) {
    const [sum, count] = must(sums.at(-1));
    sums.push(Number.isFinite(y) ? [sum + y, count + 1] : [sum, count]);
  }
  return points.map(([x, y], i): Point => {
    const half = Math.max(Math.min(reach, i, points.length - 1 - i), Math.floor(reach / 3));
    const [to, n] = must(sums[Math.min(i + half + 1, points.length)]);
    const [from, m] = must(sums[Math.max(i - half, 0)]);
    return [x, Number.isFinite(y) ? (to - from) / (n - m) : y];
  });
}

/** One line of facts under the title. */
function summary(steps: readonly StepRow[], evals: readonly EvalRow[], evaluated: string): string {
  const last = [...steps, ...evals].reduce((a, b) => Math.max(a, b.step), 0);
  const epoch = [...steps, ...evals].reduce((a, b) => Math.max(a, b.epoch), 0);
  const epochs = Number(epoch < 1 ? epoch.toPrecision(2) : epoch.toFixed(1));
  const facts = [`${last.toLocaleString('en-US')} steps`, `${epochs} epochs`];
  const best = evals.filter((row) => Number.isFinite(row.top1)).toSorted(bestFirst)[0];
  const rates = steps.map((row) => row.imagesPerSecond).filter(Number.isFinite);
  if (best !== undefined)
    facts.push(
      `best ${evaluated} top-1 ${(100 * best.top1).toFixed(2)} % at step ${best.step.toLocaleString('en-US')}`,
    );
  if (rates.length > 0) facts.push(`${Math.round(median(rates)).toLocaleString('en-US')} images/s`);
  return facts.join('  ·  ');
}

/** The middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
