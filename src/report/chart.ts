/**
 * Charts as SVG whose colours are CSS variables of the page, so that they follow its light or dark scheme.
 */
import { type Axis, linearAxis, type Point } from '../picture/axes.ts';
import { escapeXml, fixed, text } from '../picture/text.ts';

/** Colours by name; style.ts has their values. */
export const color = {
  ink: 'var(--ink)',
  muted: 'var(--muted)',
  grid: 'var(--grid)',
  frame: 'var(--frame)',
  panel: 'var(--panel)',
  band: 'var(--band)',
  first: 'var(--first)',
  second: 'var(--second)',
  third: 'var(--third)',
  bad: 'var(--bad)',
} as const;

/** A plotting area inside a picture, with its axes. */
export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly x: Axis;
  readonly y: Axis;
  /** Pixels of a value. */
  readonly px: (x: number) => number;
  readonly py: (y: number) => number;
}

/** Size of a picture and the air around its plotting area. */
export interface Sizes {
  readonly width: number;
  readonly height: number;
  readonly margins: readonly [top: number, right: number, bottom: number, left: number];
}

/** A plotting area with given axes. */
export function plotOf({ width, height, margins }: Sizes, x: Axis, y: Axis): Plot {
  const [top, rightAir, bottomAir, left] = margins;
  const [right, bottom] = [width - rightAir, height - bottomAir];
  return {
    width,
    height,
    left,
    top,
    right,
    bottom,
    x,
    y,
    px: (v) => left + (right - left) * x.place(v),
    py: (v) => bottom - (bottom - top) * y.place(v),
  };
}

/** An SVG document of the page: `label` says what it shows to those who cannot see it. */
export function picture(
  { width, height }: Pick<Plot, 'width' | 'height'>,
  label: string,
  parts: readonly string[],
): string {
  const size = `viewBox="0 0 ${fixed(width)} ${fixed(height)}" width="${fixed(width)}" height="${fixed(height)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img"><title>${escapeXml(label)}</title>${parts.join('\n')}</svg>`;
}

/** Grid, ticks, frame and names of the axes; what is in `under` lies below the grid. */
export function axesOf(
  plot: Plot,
  names: { readonly x: string; readonly y: string },
  under: readonly string[] = [],
): string[] {
  const { left, right, top, bottom, x, y, px, py } = plot;
  const box = `x="${fixed(left)}" y="${fixed(top)}" width="${fixed(right - left)}" height="${fixed(bottom - top)}"`;
  return [
    `<rect ${box} fill="${color.panel}"/>`,
    ...under,
    ...y.ticks.flatMap((tick) => [
      line([left, py(tick)], [right, py(tick)], color.grid),
      text(minus(y.format(tick)), left - 9, py(tick) + 4.5, { anchor: 'end', color: color.muted }),
    ]),
    ...x.ticks.flatMap((tick) => [
      line([px(tick), bottom], [px(tick), bottom + 5], color.frame),
      text(minus(x.format(tick)), px(tick), bottom + 20, { anchor: 'middle', color: color.muted }),
    ]),
    `<rect ${box} fill="none" stroke="${color.frame}"/>`,
    text(names.x, (left + right) / 2, bottom + 42, { anchor: 'middle', color: color.ink }),
    text(names.y, 18, (top + bottom) / 2, { anchor: 'middle', turn: -90, color: color.ink }),
  ];
}

/** A straight line; `dash` as in stroke-dasharray. */
export function line(
  from: Point,
  to: Point,
  stroke: string,
  options: { width?: number; dash?: string } = {},
): string {
  const { width = 1, dash } = options;
  const dashed = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
  return `<path d="M${fixed(from[0])} ${fixed(from[1])}L${fixed(to[0])} ${fixed(to[1])}" stroke="${stroke}" stroke-width="${width}" fill="none"${dashed}/>`;
}

/** A line through points in pixels. */
export function path(
  points: readonly Point[],
  stroke: string,
  options: { width?: number; dash?: string; fill?: string; opacity?: number; closed?: boolean } = {},
): string {
  const { width = 1.8, dash, fill = 'none', opacity, closed = false } = options;
  const d = `M${points.map(([x, y]) => `${fixed(x)} ${fixed(y)}`).join('L')}${closed ? 'Z' : ''}`;
  const dashed = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
  const faint = opacity === undefined ? '' : ` fill-opacity="${opacity}"`;
  return `<path d="${d}" stroke="${stroke}" stroke-width="${width}" stroke-linejoin="round" fill="${fill}"${faint}${dashed}/>`;
}

/** A dot, full or hollow. */
export function dot(
  [x, y]: Point,
  stroke: string,
  options: { hollow?: boolean; radius?: number } = {},
): string {
  const { hollow = false, radius = 4 } = options;
  const look = hollow
    ? `fill="${color.panel}" stroke="${stroke}" stroke-width="1.6"`
    : `fill="${stroke}" stroke="${color.panel}" stroke-width="1"`;
  return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${radius}" ${look}/>`;
}

/** An entry of a legend: a sample of 26 pixels and its meaning. */
export interface LegendEntry {
  readonly label: string;
  readonly sample: (at: Point) => string;
}

/** A row of entries above the plotting area, from the left. */
export function legend(entries: readonly LegendEntry[], left: number, y: number): string[] {
  let x = left;
  return entries.flatMap(({ label, sample }) => {
    const parts = [sample([x + 13, y - 4.5]), text(label, x + 32, y, { color: color.ink })];
    x += 32 + 7.1 * label.length + 26;
    return parts;
  });
}

/** A sample of a curve with dots. */
export function curveSample(
  stroke: string,
  options: { dash?: string; dots?: boolean } = {},
): LegendEntry['sample'] {
  const { dash, dots = true } = options;
  return ([x, y]) =>
    line([x - 13, y], [x + 13, y], stroke, { width: 1.8, ...(dash && { dash }) }) +
    (dots ? dot([x, y], stroke) : '');
}

/** Axis over the steps of a network, ticks at whole numbers. */
export function stepAxis(count: number): Axis {
  const axis = linearAxis(-0.6, count - 0.4, Math.min(18, count + 1));
  return { ...axis, ticks: axis.ticks.filter((tick) => Number.isInteger(tick)), format: String };
}

/** A real minus sign. */
function minus(label: string): string {
  return label.replace('-', '−');
}

/** A number for people: 3 digits, a real minus sign. */
export function short(x: number, digits = 3): string {
  if (!Number.isFinite(x)) return '–';
  const size = Math.abs(x);
  const plain =
    size !== 0 && (size < 1e-3 || size >= 1e4)
      ? x.toExponential(1).replace('.0e', 'e').replace('e+', 'e')
      : String(Number(x.toPrecision(digits)));
  return minus(plain);
}
