/** A chart of curves over the epochs, and what its read-out needs to know. */
import { type Axis, linearAxis, logAxis, type Point } from '../../picture/axes.ts';
import { thinned, unbroken } from '../../picture/panel.ts';
import { axesOf, color, dot, type LegendEntry, legend, line, path, picture, plotOf } from '../chart.ts';

/** One curve. */
export interface ChartCurve {
  /** Index of its run: the curve is hidden with it. */
  readonly run: number;
  /** What it shows, for the read-out; none for a curve that only accompanies another. */
  readonly label?: string;
  readonly stroke: string;
  readonly dash?: string | undefined;
  readonly style: 'faint' | 'line' | 'dots';
  /** Epoch and value. */
  readonly points: readonly Point[];
}

/** The range of an axis. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly log?: boolean;
}

/** What a chart shows. */
export interface ChartSpec {
  readonly title: string;
  /** Name of the y axis, and unit behind a value of the read-out. */
  readonly yName: string;
  readonly unit?: string;
  readonly y: Scale;
  readonly curves: readonly ChartCurve[];
  readonly key: readonly LegendEntry[];
  /** The read-out names every curve, or the one nearest to the pointer. */
  readonly readOut: 'all' | 'nearest';
}

/**
 * What the script of the page knows of a chart: where its axes lie in the picture, and the points of the
 * curves it reads out.
 */
export interface ChartData {
  readonly unit: string;
  readonly nearest: boolean;
  readonly x: ScaleData;
  readonly y: ScaleData;
  readonly curves: readonly {
    readonly run: number;
    readonly label: string;
    readonly stroke: string;
    readonly points: readonly Point[];
  }[];
}

interface ScaleData {
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  /** Pixels of both ends. */
  readonly from: number;
  readonly to: number;
}

const sizes = { width: 460, height: 318, margins: [46, 14, 54, 70] } as const;
/** Points of a curve: about one per pixel. */
const mostPoints = 420;
/** More points of a curve than these stand too close for a dot each. */
const mostDots = 40;

/** The chart as SVG, and its data; the x axis goes from 0 to `epochs`, `id` is its own in the page. */
export function curveChart(
  spec: ChartSpec,
  epochs: number,
  id: string,
): { readonly svg: string; readonly data: ChartData } {
  const { y, title, yName, unit = '', readOut } = spec;
  const plot = plotOf(sizes, linearAxis(0, epochs, 6), axisOf(y));
  const { left, right, top, bottom } = plot;
  const curves = spec.curves.map((curve) => ({ ...curve, points: thinned(curve.points, mostPoints) }));
  const clip = `<clipPath id="${id}"><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/></clipPath>`;
  const svg = picture(sizes, title, [
    clip,
    ...axesOf(plot, { x: 'epoch', y: yName }),
    ...(y.low < 0 && y.high > 0 ? [line([left, plot.py(0)], [right, plot.py(0)], color.muted)] : []),
    ...curves.map((curve) => {
      const placed = curve.points.map(([a, b]): Point => [plot.px(a), plot.py(b)]);
      return `<g class="run-${curve.run}" clip-path="url(#${id})">${drawn(curve, placed)}</g>`;
    }),
    ...legend(spec.key, left, 24),
    '<g class="cursor"></g>',
  ]);
  const told = curves.flatMap(({ run, label, stroke, points }) =>
    label === undefined ? [] : [{ run, label, stroke, points: points.filter(isFinitePoint).map(short) }],
  );
  const x = { low: 0, high: epochs, log: false, from: left, to: right };
  const data = {
    x,
    y: { log: false, ...y, from: bottom, to: top },
    unit,
    nearest: readOut === 'nearest',
    curves: told,
  };
  return { svg, data };
}

function axisOf({ low, high, log }: Scale): Axis {
  return log ? logAxis(low, high) : linearAxis(low, high, 5);
}

function isFinitePoint(point: Point): boolean {
  return point.every(Number.isFinite);
}

/** Digits that a read-out may show: more would only lengthen the page. */
function short([x, y]: Point): Point {
  return [Number(x.toPrecision(6)), Number(y.toPrecision(6))];
}

function drawn({ style, stroke, dash }: ChartCurve, placed: readonly Point[]): string {
  const pieces = unbroken(placed);
  const lines = pieces
    .filter((piece) => piece.length > 1)
    .map((piece) =>
      style === 'faint'
        ? `<g opacity="0.25">${path(piece, stroke, { width: 1 })}</g>`
        : path(piece, stroke, { width: style === 'dots' ? 1.5 : 2, ...(dash && { dash }) }),
    );
  const dotted =
    style === 'dots' && placed.length <= mostDots ? pieces : pieces.filter((p) => p.length === 1);
  const dots = style === 'faint' ? [] : dotted.flat().map((point) => dot(point, stroke, { radius: 3.2 }));
  return [...lines, ...dots].join('');
}
