/** Text and numbers in SVG. */

/** A piece of text. `anchor` says which of its ends stands at x; `turn` turns it by degrees around (x, y). */
export function text(
  content: string,
  x: number,
  y: number,
  options: {
    size?: number;
    color?: string;
    anchor?: 'start' | 'middle' | 'end';
    bold?: boolean;
    turn?: number;
  } = {},
): string {
  const { size = 13, color = '#59636e', anchor = 'start', bold = false, turn } = options;
  const weight = bold ? ' font-weight="600"' : '';
  const transform = turn === undefined ? '' : ` transform="rotate(${turn} ${fixed(x)} ${fixed(y)})"`;
  const place = `x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}"`;
  return `<text ${place} font-size="${size}" fill="${color}"${weight}${transform}>${escapeXml(content)}</text>`;
}

/** Text with the characters escaped that XML reserves, and those left out that it forbids. */
export function escapeXml(content: string): string {
  const allowed = content.replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '');
  return allowed
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A coordinate with one decimal. */
export function fixed(x: number): string {
  return String(Math.round(x * 10) / 10);
}
