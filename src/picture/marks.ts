/** Marks that the picture of a network is made of. */
import { must } from '../must.ts';
import { fixed, text } from './text.ts';

/** Colours of the picture; it has a light background of its own. */
export const ink = {
  page: '#f7f8fa',
  panel: '#ffffff',
  border: '#d5dae0',
  text: '#1f2328',
  muted: '#59636e',
  state: '#1f2328',
  history: '#c2410c',
  box: '#e8f0fe',
  boxBorder: '#2563eb',
  other: '#eef1f4',
  otherBorder: '#7b8794',
} as const;

/** A place in pixels. */
export interface At {
  readonly x: number;
  readonly y: number;
}

/** Radius of a sum. */
export const sumRadius = 8;

/** Definitions that the arrows need. */
export const defs: string = `<defs>${(['state', 'history', 'boxBorder'] as const)
  .map(
    (name) =>
      `<marker id="arrow-${name}" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="6.5" markerHeight="6.5" orient="auto"><path d="M0 0.6L8 4L0 7.4Z" fill="${ink[name]}"/></marker>`,
  )
  .join('')}</defs>`;

/** How a line looks: which colour, and whether it ends in an arrow. */
export interface Stroke {
  readonly color?: 'state' | 'history' | 'boxBorder';
  readonly dashed?: boolean;
  readonly arrow?: boolean;
}

/** A path by its `d`. */
export function stroke(d: string, { color = 'state', dashed = false, arrow = false }: Stroke = {}): string {
  const dash = dashed ? ' stroke-dasharray="5 4"' : '';
  const end = arrow ? ` marker-end="url(#arrow-${color})"` : '';
  return `<path d="${d}" fill="none" stroke="${ink[color]}" stroke-width="1.6"${dash}${end}/>`;
}

/** A line through places, given as x, y, x, y, …. */
export function lineThrough(places: readonly number[], look: Stroke = {}): string {
  const pairs = places.flatMap((x, i) => (i % 2 === 0 ? [`${fixed(x)} ${fixed(must(places[i + 1]))}`] : []));
  return stroke(`M${pairs.join('L')}`, look);
}

/** An arc above a lane, from one sum to a later one, `lift` pixels high; it carries a label. */
export function arc(from: At, to: At, lift: number, label: string): string[] {
  const top = from.y - sumRadius - lift * 1.34;
  const d = `M${fixed(from.x)} ${fixed(from.y - sumRadius)}C${fixed(from.x)} ${fixed(top)} ${fixed(to.x)} ${fixed(top)} ${fixed(to.x)} ${fixed(to.y - sumRadius - 1)}`;
  const middle = { x: (from.x + to.x) / 2, y: from.y - sumRadius - lift };
  return [
    stroke(d, { color: 'history', dashed: true, arrow: true }),
    ...(label === '' ? [] : [tag(label, middle)]),
  ];
}

/** A label on a line: text on a small white ground. */
export function tag(label: string, { x, y }: At, color: string = ink.history): string {
  const width = 7 * label.length + 8;
  return `<rect x="${fixed(x - width / 2)}" y="${fixed(y - 9)}" width="${fixed(width)}" height="18" rx="3" fill="${ink.panel}"/>${text(label, x, y + 4.5, { anchor: 'middle', size: 12.5, color })}`;
}

/** The sum of what arrives. */
export function sumMark({ x, y }: At): string {
  const cross = `M${fixed(x - 4.5)} ${fixed(y)}h9M${fixed(x)} ${fixed(y - 4.5)}v9`;
  return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${sumRadius}" fill="${ink.panel}" stroke="${ink.state}" stroke-width="1.6"/><path d="${cross}" stroke="${ink.state}" stroke-width="1.4"/>`;
}

/** A state that is not a sum. */
export function stateMark({ x, y }: At): string {
  return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="4" fill="${ink.state}"/>`;
}

/** A box with one or two lines of text. */
export function box(
  { x, y }: At,
  { width, height }: { readonly width: number; readonly height: number },
  lines: readonly string[],
  kind: 'f' | 'other' = 'f',
): string {
  const [fill, border] = kind === 'f' ? [ink.box, ink.boxBorder] : [ink.other, ink.otherBorder];
  const [first = '', second] = lines;
  const middle = x + width / 2;
  const rect = `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}" rx="5" fill="${fill}" stroke="${border}" stroke-width="1.3"/>`;
  if (second === undefined)
    return (
      rect + text(first, middle, y + height / 2 + 4.5, { anchor: 'middle', size: 12.5, color: ink.text })
    );
  return (
    rect +
    text(first, middle, y + height / 2 - 2.5, { anchor: 'middle', size: 14, color: ink.text, bold: true }) +
    text(second, middle, y + height / 2 + 13, { anchor: 'middle', size: 11, color: ink.muted })
  );
}
