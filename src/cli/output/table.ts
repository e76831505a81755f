/**
 * Rows of text under their headings, in columns.
 *
 * @param left so many columns stand left, default the first; the others right.
 */
import { must } from '../../must.ts';

export function table(headings: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, i) =>
    lines.reduce((most, line) => Math.max(most, must(line[i]).length), 0),
  );
  const pad = (cell: string, i: number): string =>
    i < left ? cell.padEnd(must(widths[i])) : cell.padStart(must(widths[i]));
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
