/** Figures over depth: the step number to the right, one value per step upwards. */
import type { Analysis, StepAnalysis } from '../../analyze/analysis.ts';
import type { Range } from '../../analyze/coefficients.ts';
import { type Axis, linearAxis, logAxis, type Point, padded } from '../../picture/axes.ts';
import { fixed, text } from '../../picture/text.ts';
import {
  axesOf,
  color,
  curveSample,
  dot,
  legend,
  line,
  type Plot,
  path,
  picture,
  plotOf,
  short,
  stepAxis,
} from '../chart.ts';

const sizes = { width: 860, height: 380, margins: [62, 22, 56, 72] } as const;
const kSizes = { ...sizes, margins: [62, 104, 56, 72] } as const;

/** What the ends and the middle of the zero-stable band are. */
const bandEnds = [
  [1, '1, included', color.third],
  [0, '0, ResNet', color.muted],
  [-1, '−1, excluded', color.third],
] as const;

/** One curve over the steps: its value at a step, null for a gap. */
interface Series {
  readonly label: string;
  readonly color: string;
  readonly values: readonly (readonly [n: number, value: Range])[];
}

/** k_n against depth, with the zero-stable band; null when no step has a k. */
export function kFigure(analysis: Analysis): string | null {
  const all = analysis.steps.flatMap(({ n, k }) => (k === null ? [] : [[n, k] as const]));
  if (all.length === 0) return null;
  const [low, high] = extremes(all.map(([, k]) => k));
  const plot = plotOf(
    kSizes,
    stepAxis(analysis.steps.length),
    linearAxis(Math.min(-1.3, 1.1 * low), Math.max(1.3, 1.1 * high), 6),
  );
  const { py, left, right } = plot;
  const band = `<rect x="${left}" y="${fixed(py(1))}" width="${right - left}" height="${fixed(py(-1) - py(1))}" fill="${color.band}"/>`;
  const outside = ({ min, max }: Range): boolean => min <= -1 || max > 1;
  const bars = all.flatMap(([n, k]) => bar(plot, plot.px(n), k, color.muted));
  const dots = all.map(([n, k]) =>
    dot([plot.px(n), py(k.mean)], outside(k) ? color.bad : color.first, { radius: radius(analysis) }),
  );
  const without = analysis.steps.filter(({ k }) => k === null);
  const perChannel = all.some(([, { min, max }]) => max > min);
  return picture(kSizes, 'Learned k of every step against depth', [
    ...axesOf(plot, names('kₙ'), [band]),
    ...stageBorders(plot, analysis),
    line([left, py(1)], [right, py(1)], color.third, { width: 1.6 }),
    line([left, py(-1)], [right, py(-1)], color.third, { width: 1.6, dash: '6 4' }),
    line([left, py(0)], [right, py(0)], color.muted),
    ...bandEnds.map(([value, label, stroke]) =>
      text(label, right + 8, py(value) + 4.5, { size: 12, color: stroke }),
    ),
    ...curves(plot, analysis, { label: '', color: color.first, values: all }),
    ...bars,
    ...dots,
    ...without.map(({ n }) =>
      dot([plot.px(n), py(0)], color.muted, { hollow: true, radius: radius(analysis) - 0.5 }),
    ),
    ...legend(
      [
        { label: perChannel ? 'kₙ, mean and range over channels' : 'kₙ', sample: curveSample(color.first) },
        ...(all.some(([, k]) => outside(k))
          ? [{ label: 'outside the band', sample: (at: Point) => dot(at, color.bad) }]
          : []),
        ...(without.length > 0
          ? [{ label: 'step without k', sample: (at: Point) => dot(at, color.muted, { hollow: true }) }]
          : []),
        {
          label: 'zero-stable: −1 < k ≤ 1',
          sample: ([x, y]) =>
            `<rect x="${x - 13}" y="${y - 7}" width="26" height="14" fill="${color.band}" stroke="${color.third}"/>`,
        },
      ],
      left,
      24,
    ),
  ]);
}

/** Coefficients of u' and dt u'' against depth; null when no step has a modified equation of this form. */
export function modifiedFigure(analysis: Analysis): string | null {
  const of = (key: 'first' | 'second'): Series['values'] =>
    analysis.steps.flatMap(({ n, modified }) => (modified === null ? [] : [[n, modified[key]] as const]));
  const hasK = analysis.steps.some(({ k }) => k !== null);
  const series: Series[] = [
    { label: `coefficient of u′${hasK ? ': 1 + kₙ' : ''}`, color: color.first, values: of('first') },
    { label: `coefficient of Δt u″${hasK ? ': (1 − kₙ)/2' : ''}`, color: color.second, values: of('second') },
  ];
  if (of('first').length === 0) return null;
  const [low, high] = extremes(series.flatMap(({ values }) => values.map(([, value]) => value)));
  const [from, to] = padded([Math.min(0, low), Math.max(1.2, high)], 0.06);
  const plot = plotOf(sizes, stepAxis(analysis.steps.length), linearAxis(low < 0 ? from : 0, to, 5));
  const { left, right, py } = plot;
  return picture(sizes, 'Coefficients of the modified equation of every step', [
    ...axesOf(plot, names('coefficient')),
    ...stageBorders(plot, analysis),
    ...[1, 0.5].map((value, i) =>
      line([left, py(value)], [right, py(value)], i === 0 ? color.first : color.second, {
        width: 1.2,
        dash: '2 4',
      }),
    ),
    ...drawn(plot, analysis, series),
    ...legend(
      [
        ...series.map((s) => ({ label: s.label, sample: curveSample(s.color) })),
        { label: 'the same for ResNet', sample: curveSample(color.muted, { dash: '2 4', dots: false }) },
      ],
      left,
      24,
    ),
  ]);
}

/** Norms of f and of the change of u, relative, against depth; null without images. */
export function normFigure(analysis: Analysis): string | null {
  const values = (of: (norms: NonNullable<StepAnalysis['norms']>) => number | null): Series['values'] =>
    analysis.steps.flatMap(({ n, norms }) => {
      const value = norms === null ? null : of(norms);
      return value === null || !Number.isFinite(value)
        ? []
        : [[n, { mean: value, min: value, max: value }] as const];
    });
  const most = Math.max(...analysis.steps.map(({ evaluations }) => evaluations));
  const first = values(({ evaluations }) => evaluations[0]?.relative ?? null);
  if (first.length === 0) return null;
  const series: Series[] = [
    {
      label: most > 1 ? '‖f(v)‖ / ‖v‖, first f of the step' : '‖fₙ(uₙ)‖ / ‖uₙ‖',
      color: color.first,
      values: first,
    },
    {
      label: '‖uₙ₊₁ − uₙ‖ / ‖uₙ‖',
      color: color.second,
      values: values(({ relativeChange }) => relativeChange),
    },
  ];
  const plot = plotOf(sizes, stepAxis(analysis.steps.length), normAxis(series));
  const others = analysis.steps.flatMap(({ n, norms }) =>
    (norms?.evaluations ?? []).slice(1).map(({ relative }): Point => [n, relative]),
  );
  const extra =
    others.length === 0
      ? []
      : [{ label: 'its other f', sample: (at: Point) => dot(at, color.first, { hollow: true, radius: 3 }) }];
  return picture(sizes, 'Norm of f and of the change of u at every step', [
    ...axesOf(plot, names('part of the norm')),
    ...stageBorders(plot, analysis),
    ...others.map(([n, value]) =>
      dot([plot.px(n), plot.py(value)], color.first, { hollow: true, radius: 2.6 }),
    ),
    ...drawn(plot, analysis, series),
    ...legend(
      [...series.map((s) => ({ label: s.label, sample: curveSample(s.color) })), ...extra],
      plot.left,
      24,
    ),
  ]);
}

function normAxis(series: readonly Series[]): Axis {
  const [low, high] = extremes(series.flatMap(({ values }) => values.map(([, value]) => value)));
  return low > 0 && high > 60 * low ? logAxis(0.8 * low, 1.25 * high) : linearAxis(0, 1.08 * high || 1, 5);
}

function names(y: string): { x: string; y: string } {
  return { x: 'step n', y };
}

/** Dots get smaller where there are many. */
function radius({ steps }: Analysis): number {
  return steps.length > 120 ? 2.4 : steps.length > 40 ? 3.2 : 4.4;
}

function drawn(plot: Plot, analysis: Analysis, series: readonly Series[]): string[] {
  return series.flatMap((s) => [
    ...curves(plot, analysis, s),
    ...s.values.flatMap(([n, value]) => [
      ...bar(plot, plot.px(n) + shift(s, series), value, s.color),
      dot([plot.px(n), plot.py(value.mean)], s.color, { radius: radius(analysis) }),
    ]),
  ]);
}

/** The means of a series, joined inside each stage only, and not where they are many. */
function curves(plot: Plot, { stages, steps: all }: Analysis, { values, color: stroke }: Series): string[] {
  return stages.flatMap(({ first, steps }) => {
    const own = values.filter(([n]) => n >= first && n < first + steps);
    if (own.length < 2 || all.length > 240) return [];
    return [
      path(
        own.map(([n, { mean }]): Point => [plot.px(n), plot.py(mean)]),
        stroke,
        { width: 1.4 },
      ),
    ];
  });
}

/** Bars of several series stand beside each other. */
function shift(own: Series, all: readonly Series[]): number {
  return 5 * (all.indexOf(own) - (all.length - 1) / 2);
}

/** From the least to the greatest channel. */
function bar(plot: Plot, x: number, { min, max }: Range, stroke: string): string[] {
  if (!(max > min)) return [];
  const [low, high] = [plot.py(min), plot.py(max)];
  const ends = [low, high].map((y) => line([x - 3.5, y], [x + 3.5, y], stroke, { width: 1.4 }));
  return [line([x, low], [x, high], stroke, { width: 1.4 }), ...ends];
}

/** Dashed lines between stages, and their names and shapes above. */
function stageBorders(plot: Plot, { stages }: Analysis): string[] {
  return stages.flatMap(({ stage, first, steps, shape }) => {
    const [from, to] = [plot.px(first - 0.5), plot.px(first + steps - 0.5)];
    const border =
      first === 0 ? [] : [line([from, plot.top], [from, plot.bottom], color.frame, { dash: '3 3' })];
    const label =
      to - from > 150
        ? `stage ${stage}: ${shape.join(' × ')}`
        : to - from > 60
          ? `stage ${stage}`
          : `${stage}`;
    return [
      ...border,
      text(label, (from + to) / 2, plot.top - 8, { anchor: 'middle', size: 12, color: color.muted }),
    ];
  });
}

function extremes(values: readonly Range[]): readonly [number, number] {
  return [Math.min(...values.map(({ min }) => min)), Math.max(...values.map(({ max }) => max))];
}

/** "−0.05 to 0.14" */
export function span(values: readonly Range[]): string {
  const [low, high] = extremes(values);
  return low === high ? short(low) : `${short(low)} to ${short(high)}`;
}
