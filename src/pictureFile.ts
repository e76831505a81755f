/** Pictures as files. */
import { extname } from 'node:path';
import { expected } from './errors.ts';
import { checkPath, replaceFile } from './files.ts';
import type { MetricsRow } from './metricsRow.ts';
import { type CurvesOptions, drawCurves } from './picture/curves.ts';
import { drawRates, type RateSearch } from './picture/rates.ts';

/**
 * Writes the curves of a run as a file, `.svg` or `.png` by its name. The text of a PNG needs a font on this
 * machine (any that fontconfig finds, such as the package fonts-dejavu-core); without one boxes stand in
 * place of the letters.
 *
 * @throws ERR_CONFIG for another ending or a wrong option, ERR_FILE when the file system refuses.
 * @example
 * await writeCurves('runs/a/curves.png', await readMetrics('runs/a/metrics.jsonl'));
 */
export async function writeCurves(
  path: string,
  rows: readonly MetricsRow[],
  options: CurvesOptions = {},
): Promise<void> {
  await writePicture(path, () => drawCurves(rows, options));
}

/**
 * Writes the picture of a range test, `.svg` or `.png` by its name.
 *
 * @throws ERR_CONFIG for another ending, ERR_FILE when the file system refuses.
 * @example
 * await writeRates('rates.png', await findLearningRate(model, digits));
 */
export async function writeRates(path: string, search: RateSearch): Promise<void> {
  await writePicture(path, () => drawRates(search));
}

/**
 * Writes a picture as a file, `.svg` or `.png` by its name; a PNG has twice as many pixels in each direction.
 *
 * @throws ERR_CONFIG for another ending, ERR_FILE when the file system refuses.
 */
async function writePicture(path: string, draw: () => string): Promise<void> {
  checkPath(path);
  const ending = extname(path).toLowerCase();
  if (ending !== '.svg' && ending !== '.png')
    throw expected('ERR_CONFIG', 'a path that ends in .svg or .png', 'path', path);
  const source = Buffer.from(draw());
  const bytes = ending === '.svg' ? source : await asPng(source);
  await replaceFile(path, (file) => file.writeFile(bytes));
}

async function asPng(svg: Buffer): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  return sharp(svg, { density: 144 }).png().toBuffer();
}
