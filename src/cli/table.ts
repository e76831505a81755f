/**
 * Rows of text under their headings, in columns.
 *
 * @param left so many columns stand left, default the first; the others right.
 */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, i) =>
    lines.reduce((most, line) => Math.max(most, line[i]?.length ?? 0), 0),
  );
  const pad = (cell: string, i: number): string =>
    i < left ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
