/** Typefaces of the pictures. */
export const fonts = 'Inter, Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif';

/** An SVG document of this size, on the background of all pictures. */
export function svgDocument(width: number, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${fonts}">`,
    `<rect width="${width}" height="${height}" fill="#f8f9fb"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}
