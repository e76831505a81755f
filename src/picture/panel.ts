/** Panels of curves as SVG: what is drawn from where, without knowing what it means. */
import { type Axis, extent, type Point } from './axes.ts';
import { fixed, text } from './text.ts';

/** How a curve is drawn: a faint thin line, a line, a dashed line, or a line with a dot at every point. */
export type CurveStyle = 'faint' | 'line' | 'dashed' | 'dots';

/** One curve of a panel. */
export interface Curve {
  /** Text in the legend; none for a curve that only accompanies another. */
  readonly label?: string;
  readonly color: string;
  readonly style: CurveStyle;
  readonly points: readonly Point[];
  /** Axis it belongs to, default left. */
  readonly side?: 'left' | 'right';
}

/** A panel: curves over one x axis, with one or two y axes. */
export interface Panel {
  readonly x: Axis;
  readonly left: Axis;
  readonly leftLabel: string;
  readonly right?: Axis;
  readonly rightLabel?: string;
  /** Text below the x axis; none for a panel that shares the axis of the one below. */
  readonly xLabel?: string;
  readonly curves: readonly Curve[];
}

/** Rectangle of a panel's plotting area, in pixels. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const ink = '#1f2328';
const grid = '#e7eaee';

/** A panel as SVG elements. */
export function drawPanel(panel: Panel, frame: Frame): string {
  const box = `x="${frame.x}" y="${frame.y}" width="${frame.width}" height="${frame.height}"`;
  const clip = `clip-${frame.y}`;
  const parts = [
    `<clipPath id="${clip}"><rect ${box}/></clipPath>`,
    `<rect ${box} fill="#ffffff"/>`,
    ...horizontal(panel, frame),
    ...vertical(panel, frame),
    `<rect ${box} fill="none" stroke="#c8cfd6"/>`,
    ...panel.curves.map((curve) => drawCurve(curve, panel, frame, clip)),
    ...legend(panel.curves, frame),
  ];
  return parts.join('\n');
}

function horizontal({ left, leftLabel, right, rightLabel }: Panel, f: Frame): string[] {
  const y = (axis: Axis, tick: number): number => f.y + f.height * (1 - axis.place(tick));
  const end = f.x + f.width;
  const middle = f.y + f.height / 2;
  const parts = left.ticks.flatMap((tick) => [
    `<path d="M${f.x} ${fixed(y(left, tick))}H${end}" stroke="${grid}"/>`,
    text(left.format(tick), f.x - 10, y(left, tick) + 4.5, { anchor: 'end' }),
  ]);
  parts.push(text(leftLabel, f.x - 62, middle, { anchor: 'middle', turn: -90, color: ink }));
  if (right === undefined) return parts;
  for (const tick of right.ticks) parts.push(text(right.format(tick), end + 10, y(right, tick) + 4.5));
  parts.push(text(rightLabel ?? '', end + 72, middle, { anchor: 'middle', turn: 90, color: ink }));
  return parts;
}

function vertical({ x, xLabel }: Panel, f: Frame): string[] {
  const bottom = f.y + f.height;
  const parts = x.ticks.flatMap((tick) => {
    const at = f.x + f.width * x.place(tick);
    const label = text(x.format(tick), at, bottom + 20, { anchor: 'middle' });
    return [
      `<path d="M${fixed(at)} ${f.y}V${bottom}" stroke="${grid}"/>`,
      ...(xLabel === undefined ? [] : [label]),
    ];
  });
  if (xLabel !== undefined)
    parts.push(text(xLabel, f.x + f.width / 2, bottom + 44, { anchor: 'middle', color: ink }));
  return parts;
}

const strokes: Readonly<Record<CurveStyle, string>> = {
  faint: 'stroke-width="1" stroke-opacity="0.28"',
  line: 'stroke-width="2.2"',
  dashed: 'stroke-width="1.6" stroke-dasharray="6 4" stroke-opacity="0.85"',
  dots: 'stroke-width="1.8"',
};

function drawCurve({ points, color, style, side }: Curve, panel: Panel, f: Frame, clip: string): string {
  const axis = side === 'right' ? (panel.right ?? panel.left) : panel.left;
  const placed = points.map(
    ([x, y]): Point => [f.x + f.width * panel.x.place(x), f.y + f.height * (1 - axis.place(y))],
  );
  const pieces = unbroken(style === 'faint' ? thinned(placed, 2 * f.width) : placed);
  if (pieces.length === 0) return '';
  const d = pieces.map((piece) => `M${piece.map(([x, y]) => `${fixed(x)} ${fixed(y)}`).join('L')}`).join('');
  const line = `<path d="${d}" fill="none" stroke="${color}" stroke-linejoin="round" ${strokes[style]}/>`;
  const marked = style === 'dots' ? pieces : pieces.filter((piece) => piece.length === 1);
  const inside = marked.flat().filter(([, y]) => y >= f.y - 1 && y <= f.y + f.height + 1);
  const dots = inside.map((point) => dot(point, color, style === 'dots' ? 3.4 : 2.4));
  return `<g clip-path="url(#${clip})">${line}</g>${dots.join('')}`;
}

function dot([x, y]: Point, color: string, radius: number): string {
  return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${radius}" fill="${color}" stroke="#ffffff" stroke-width="0.8"/>`;
}

/** The pieces of a curve between its gaps. */
export function unbroken(points: readonly Point[]): Point[][] {
  const pieces: Point[][] = [[]];
  for (const point of points) {
    if (point.every(Number.isFinite)) pieces.at(-1)?.push(point);
    else pieces.push([]);
  }
  return pieces.filter((piece) => piece.length > 0);
}

/** At most about `limit` points: of every bucket the lowest and the highest, so that spikes stay. */
export function thinned(points: readonly Point[], limit: number): readonly Point[] {
  if (points.length <= limit) return points;
  const size = Math.ceil((2 * points.length) / limit);
  const out: Point[] = [];
  for (let i = 0; i < points.length; i += size) {
    const bucket = points.slice(i, i + size);
    const [low, high] = extent([bucket]);
    out.push(...bucket.filter(([, y]) => y === low || y === high || Number.isNaN(y)).slice(0, 4));
  }
  return out;
}

/** Names of the curves, above the panel's right end. */
function legend(curves: readonly Curve[], f: Frame): string[] {
  let x = f.x + f.width;
  const parts: string[] = [];
  for (const { label, color, style } of curves.toReversed()) {
    if (label === undefined) continue;
    x -= 7.3 * label.length;
    parts.push(text(label, x, f.y - 11, { color: ink }));
    parts.push(`<path d="M${fixed(x - 32)} ${f.y - 15.5}h24" stroke="${color}" ${strokes[style]}/>`);
    if (style === 'dots') parts.push(dot([x - 20, f.y - 15.5], color, 3.4));
    x -= 54;
  }
  return parts;
}
