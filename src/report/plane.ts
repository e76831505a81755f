/** Figures in the plane: regions of absolute stability, and trajectories of features. */
import type { Region, RegionVariant, StageTrajectories } from '../analyze/analysis.ts';
import { must } from '../must.ts';
import { type Axis, linearAxis, type Point } from '../picture/axes.ts';
import { text } from '../picture/text.ts';
import {
  axesOf,
  color,
  curveSample,
  dot,
  type LegendEntry,
  legend,
  line,
  type Plot,
  path,
  picture,
  plotOf,
  short,
} from './chart.ts';

const looks: Readonly<Record<RegionVariant['which'], { stroke: string; dash?: string }>> = {
  all: { stroke: color.first },
  least: { stroke: color.third },
  mean: { stroke: color.first },
  greatest: { stroke: color.second },
};
const words = { all: '', least: 'least ', mean: 'mean ', greatest: 'greatest ' } as const;

/** The unit disc about -1: where Euler is stable. */
const disc: readonly Point[] = Array.from(
  { length: 73 },
  (_, i): Point => [Math.cos((2 * Math.PI * i) / 72) - 1, Math.sin((2 * Math.PI * i) / 72)],
);

/** The region of absolute stability of one form of step, beside Euler's disc. */
export function regionFigure({ variants, scheme }: Region): string {
  const plot = squarePlot([
    ...disc,
    ...variants.flatMap(({ lines, real, imaginary }) => [
      ...lines.flat(),
      [-real, 0] as const,
      [0, imaginary] as const,
    ]),
  ]);
  const { px, py, left, right, top, bottom } = plot;
  const inPixels = ([x, y]: Point): Point => [px(x), py(y)];
  const entries = [
    ...variants.map(entryOf),
    { label: 'Euler (ResNet)', sample: curveSample(color.muted, { dash: '5 4', dots: false }) },
  ];
  return picture(plot, `Region of absolute stability of ${scheme}`, [
    ...axesOf(plot, { x: 'Re z', y: 'Im z' }),
    line([left, py(0)], [right, py(0)], color.frame),
    line([px(0), top], [px(0), bottom], color.frame),
    ...variants.flatMap((variant) => drawVariant(variant, inPixels)),
    path(disc.map(inPixels), color.muted, { width: 1.5, dash: '5 4', closed: true }),
    ...legendRows(entries, plot),
  ]);
}

function drawVariant(
  { which, lines, real, imaginary }: RegionVariant,
  inPixels: (point: Point) => Point,
): string[] {
  const { stroke } = looks[which];
  const inside = which === 'all' || which === 'mean' ? { fill: stroke, opacity: 0.14 } : {};
  if (lines.length > 0)
    return lines.map((points) => path(points.map(inPixels), stroke, { width: 2, closed: true, ...inside }));
  return [
    ...(real > 0 ? [line(inPixels([-real, 0]), inPixels([0, 0]), stroke, { width: 4 })] : []),
    ...(imaginary > 0
      ? [line(inPixels([0, -imaginary]), inPixels([0, imaginary]), stroke, { width: 4 })]
      : []),
  ];
}

function entryOf({ which, k }: RegionVariant): LegendEntry {
  const label =
    k === null
      ? `${words[which]}${which === 'all' ? 'all steps' : 'coefficients'}`
      : `${words[which]}k = ${short(k)}`;
  return { label, sample: curveSample(looks[which].stroke, { dots: false }) };
}

/** Two entries in a row. */
function legendRows(entries: readonly LegendEntry[], { left }: Plot): string[] {
  return entries.flatMap((entry, i) => legend([entry], left + (i % 2) * 205, 20 + 20 * Math.floor(i / 2)));
}

/** A plot with one scale for both axes that holds some points, at most 500 x 440 pixels. */
function squarePlot(points: readonly Point[]): Plot {
  const xs = points.map(([x]) => x);
  const top = 1.1 * Math.max(...points.map(([, y]) => Math.abs(y)));
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const air = 0.08 * (high - low);
  const [from, to] = [low - air, Math.max(high + air, 0.3)];
  const scale = Math.min(400 / (to - from), 380 / (2 * top));
  const [width, height] = [Math.max(330, scale * (to - from)), scale * 2 * top];
  const spare = (width / scale - (to - from)) / 2;
  const margins = [58, 18, 56, 66] as const;
  const all = { width: width + margins[1] + margins[3], height: height + margins[0] + margins[2], margins };
  return plotOf(all, linearAxis(from - spare, to + spare, 6), linearAxis(-top, top, 6));
}

/** Colours of the images, in order. */
export function imageColor(i: number): string {
  return `var(--c${i % 10})`;
}

/** Paths of images through one stage, from hollow to full dots. */
export function trajectoryFigure({ stage, explained, images, steps }: StageTrajectories): string {
  const points = images.flatMap((image) => image.points);
  const [x, y] = [axisOf(points.map((p) => p[0])), axisOf(points.map((p) => p[1]))];
  const plot = plotOf({ width: 400, height: 360, margins: [40, 14, 54, 62] }, x, y);
  const name = (i: 0 | 1): string => `component ${i + 1} (${Math.round(100 * explained[i])} % of variance)`;
  const drawn = images.flatMap((image, i) => {
    const inPixels = image.points.map(([a, b]): Point => [plot.px(a), plot.py(b)]);
    const [first, last] = [inPixels[0], inPixels.at(-1)];
    if (first === undefined || last === undefined) return [];
    const between = inPixels
      .slice(1, -1)
      .map((at) => dot(at, imageColor(i), { radius: inPixels.length > 12 ? 1.6 : 2.6 }));
    return [
      path(inPixels, imageColor(i), { width: 1.6 }),
      ...between,
      dot(first, imageColor(i), { hollow: true }),
      dot(last, imageColor(i), { radius: 5 }),
    ];
  });
  return picture(plot, `Trajectories of ${images.length} images through stage ${stage}`, [
    ...axesOf(plot, { x: name(0), y: name(1) }),
    ...drawn,
    text(title(stage, steps), plot.left, 26, { color: color.ink, bold: true }),
  ]);
}

function axisOf(values: readonly number[]): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const air = 0.08 * (high - low) || 1;
  return { ...linearAxis(low - air, high + air, 4), format: (tick) => short(tick) };
}

function title(stage: number, steps: readonly number[]): string {
  const [from, to] = [must(steps[0]), must(steps.at(-1))];
  return from < 0
    ? `stage ${stage}: from the stem to step ${to}`
    : `stage ${stage}: after steps ${from} to ${to}`;
}
