/** Widths of text in DejaVu Sans, the widest of the pictures’ typefaces: advances of its regular face. */

/** Thousandths of the font's size, rounded up to 20, by the letters that have them. */
const advances: Readonly<Record<number, string>> = {
  280: "'ijl",
  300: 'IJ',
  320: ' ,.·',
  340: '/:;\\|',
  360: '-f',
  400: '!()[]t₀₁₂₃₄₅₆₇₈₉',
  420: 'r',
  460: '"',
  500: '*_`',
  540: '?sz',
  560: 'Lc',
  580: 'Fk',
  600: 'vxy',
  620: 'PTYaeo',
  640: '$0123456789ESbdghnpqu{}η',
  660: 'K',
  700: 'ABCRVXZ',
  740: 'U',
  760: 'HN',
  780: '&DG',
  800: 'OQ',
  820: 'w',
  840: '#+<=>^~×→−',
  880: 'M',
  960: '%',
};
const byLetter = new Map(
  Object.entries(advances).flatMap(([advance, letters]) =>
    [...letters].map((letter): [string, number] => [letter, Number(advance) / 1000]),
  ),
);

/** Of the bold face, as a multiple: that of a word, not of every letter. */
const boldness = 1.12;

/** Width of a text in pixels; a letter that is not in the table counts as the widest. */
export function textWidth(content: string, size: number, bold = false): number {
  const width = [...content].reduce((sum, letter) => sum + (byLetter.get(letter) ?? 1), 0);
  return width * size * (bold ? boldness : 1);
}
