import { extname } from 'node:path';
import sharp from 'sharp';
import { expected } from '../errors.ts';
import { replaceFile } from '../files.ts';

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

/**
 * Writes a picture as a file, `.svg` or `.png` by its name; a PNG has twice as many pixels in each direction.
 *
 * @throws ERR_CONFIG for another ending, ERR_FILE when the file system refuses.
 */
export async function writePicture(path: string, svg: string): Promise<void> {
  const ending = extname(path).toLowerCase();
  if (ending !== '.svg' && ending !== '.png')
    throw expected('ERR_CONFIG', 'a path that ends in .svg or .png', 'path', path);
  const source = Buffer.from(svg);
  const bytes = ending === '.svg' ? source : await sharp(source, { density: 144 }).png().toBuffer();
  await replaceFile(path, (file) => file.writeFile(bytes));
}
