/** A confusion matrix as a heat map: what is right in blue, what is wrong in red. */
import { must } from '../../must.ts';
import { escapeXml, text } from '../../picture/text.ts';
import { color, picture } from '../chart.ts';
import type { Confusion } from './comparison.ts';

/**
 * What the script of the page knows of a heat map: where its cells lie, and the counts that are not 0, as
 * [row, column, count].
 */
export interface HeatData {
  readonly left: number;
  readonly top: number;
  readonly cell: number;
  readonly classNames: readonly string[];
  readonly cells: readonly (readonly [row: number, column: number, count: number])[];
}

/** Two classes that are taken for one another. */
export interface Mistake {
  readonly truth: string;
  readonly taken: string;
  readonly count: number;
  /** Part of the images of the true class. */
  readonly share: number;
}

const side = 344;
const air = { top: 16, right: 24 };
const levels = 10;
/** Smaller cells would vanish. */
const leastPixels = 1.5;
/** Classes whose names, and whose counts, have room. */
const mostNames = 40;
const mostCounts = 12;

/** The heat map as SVG, and its data. */
export function confusionFigure(
  { confusion, classNames }: Confusion,
  title: string,
): { readonly svg: string; readonly data: HeatData } {
  const n = classNames.length;
  const cell = side / n;
  const room = 7 * Math.max(...labelsOf(classNames).map((label) => label.length)) + 12;
  const left = 22 + room;
  const data: HeatData = { left, top: air.top, cell, classNames, cells: filled(confusion) };
  const box = `x="${left}" y="${air.top}" width="${side}" height="${side}"`;
  const size = { width: left + side + air.right, height: air.top + side + room + 26 };
  const svg = picture(size, title, [
    `<rect ${box} fill="${color.panel}"/>`,
    `<g transform="translate(${left} ${air.top}) scale(${Number(cell.toFixed(5))})" shape-rendering="crispEdges">`,
    ...shades(confusion, data, n <= mostCounts ? 0.6 : 1),
    '</g>',
    `<rect ${box} fill="none" stroke="${color.frame}"/>`,
    ...(n <= mostCounts ? counts(data) : []),
    ...names(data),
    text('true class', 14, air.top + side / 2, { anchor: 'middle', turn: -90, color: color.ink }),
    text('ranked first', left + side / 2, size.height - 8, { anchor: 'middle', color: color.ink }),
    '<g class="cursor"></g>',
  ]);
  return { svg, data };
}

/** The most frequent mistakes, as parts of their true class. */
export function mistakes({ confusion, classNames }: Confusion, most: number): Mistake[] {
  return filled(confusion)
    .filter(([row, column]) => row !== column)
    .map(([row, column, count]) => ({
      truth: must(classNames[row]),
      taken: must(classNames[column]),
      count,
      share: count / total(must(confusion[row])),
    }))
    .toSorted((a, b) => b.count - a.count || b.share - a.share)
    .slice(0, most);
}

function filled(confusion: Confusion['confusion']): HeatData['cells'] {
  return confusion.flatMap((row, i) =>
    row.flatMap((count, j) => (count > 0 ? [[i, j, count] as const] : [])),
  );
}

function total(row: readonly number[]): number {
  return row.reduce((a, b) => a + b, 0);
}

/**
 * One path for every shade: cells by their part of the true class; mistakes relative to the greatest, so that
 * small ones show.
 */
function shades(
  confusion: Confusion['confusion'],
  { cells, cell: pixels }: HeatData,
  strongest: number,
): string[] {
  const size = Number(Math.max(1, leastPixels / pixels).toFixed(2));
  const totals = confusion.map(total);
  const share = ([row, , count]: HeatData['cells'][number]): number => count / must(totals[row]);
  const wrong = cells.filter(([row, column]) => row !== column);
  const greatest = wrong.reduce((most, cell) => Math.max(most, share(cell)), 0) || 1;
  const layer = (part: HeatData['cells'], full: number, fill: string): string[] =>
    Array.from({ length: levels }, (_, i) => {
      const own = part.filter((cell) => Math.ceil((levels * share(cell)) / full - 1e-9) === i + 1);
      const d = own.map(([row, column]) => `M${column} ${row}h${size}v${size}h-${size}z`).join('');
      const opacity = ((i + 1) / levels) * strongest;
      return d === '' ? '' : `<path d="${d}" fill="${fill}" fill-opacity="${opacity.toFixed(2)}"/>`;
    });
  return [
    ...layer(
      cells.filter(([row, column]) => row === column),
      1,
      color.first,
    ),
    ...layer(wrong, greatest, color.bad),
  ];
}

function counts({ left, top, cell, cells }: HeatData): string[] {
  const at = (i: number): number => (i + 0.5) * cell;
  return cells.map(([row, column, count]) =>
    text(String(count), left + at(column), top + at(row) + 4, {
      size: 11,
      anchor: 'middle',
      color: color.ink,
    }),
  );
}

/**
 * What stands beside rows and below columns: names of the classes; of many classes the numbers of some, the
 * others are empty.
 */
function labelsOf(classNames: readonly string[]): string[] {
  if (classNames.length <= mostNames) return classNames.map(clipped);
  const every = 10 ** Math.ceil(Math.log10(classNames.length / 20));
  return classNames.map((_, i) => (i % every === 0 ? String(i) : ''));
}

function names({ classNames, left, top, cell }: HeatData): string[] {
  const look = { size: classNames.length <= 25 ? 12 : 9, color: color.muted, anchor: 'end' } as const;
  return labelsOf(classNames).flatMap((label, i) => {
    const middle = (i + 0.5) * cell;
    if (label === '') return [];
    return [
      text(label, left - 7, top + middle + 4, look),
      text(label, left + middle + 4, top + side + 7, { ...look, turn: -90 }),
    ];
  });
}

function clipped(name: string): string {
  return name.length > 11 ? `${name.slice(0, 10)}…` : name;
}

/** The mistakes as a table (HTML). */
export function mistakeTable(confusion: Confusion): string {
  const rows = mistakes(confusion, 8).map(
    ({ truth, taken, count, share }) =>
      `<tr><td class="left">${escapeXml(truth)}</td><td class="left">${escapeXml(taken)}</td><td>${count}</td><td>${(100 * share).toFixed(1)} %</td></tr>`,
  );
  if (rows.length === 0) return '<p class="note">No mistakes.</p>';
  const head =
    '<tr><th class="left">true class</th><th class="left">taken for</th><th>images</th><th>of the class</th></tr>';
  return `<div class="scroll" role="region" aria-label="Most frequent mistakes" tabindex="0"><table><caption>Most frequent mistakes</caption><thead>${head}</thead><tbody>${rows.join('')}</tbody></table></div>`;
}
