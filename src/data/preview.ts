/** Contact sheets: what training would see. */
import { checkPath, replaceFile } from '../files.ts';
import { datasetOf, type Images } from '../loading/images.ts';
import { type BatchesOptions, batches } from './batches.ts';

/** Options of `writePreview`. */
export interface PreviewOptions
  extends Pick<BatchesOptions, 'seed' | 'epoch' | 'training' | 'imageSize' | 'workers' | 'onBadImage'> {
  /** Images on the sheet, default 48. */
  readonly count?: number | undefined;
}

/** Pixels between two images, and below one for its label. */
const gap = 8;
const line = 18;
/** The least side of a picture on the sheet: smaller images are drawn in larger pixels. */
const leastSide = 96;

/**
 * Writes a PNG of the first images of a pass as they come out of the data set's transform, with their
 * classes.
 *
 * @returns the number of images drawn.
 * @throws as `batches`; ERR_FILE when the file cannot be written.
 * @example
 * await writePreview('sheet.png', photos, { count: 48, training: true });
 */
export async function writePreview(
  path: string,
  images: Images,
  options: PreviewOptions = {},
): Promise<number> {
  checkPath(path);
  const { count = 48, ...pass } = options;
  const data = datasetOf(images);
  const wanted = Math.min(count, data.count ?? count);
  for await (const batch of batches(data, { ...pass, batch: wanted })) {
    const { pixels, labels, height, width, channels } = batch;
    const scale = Math.max(1, Math.ceil(leastSide / Math.max(height, width)));
    const cell = { width: width * scale + gap, height: height * scale + line + gap };
    const wide = Math.ceil(Math.sqrt((labels.length * cell.height * 4) / (cell.width * 3)));
    const columns = Math.min(wide, labels.length);
    const rows = Math.ceil(labels.length / columns);
    const place = (i: number): { left: number; top: number } => ({
      left: gap + (i % columns) * cell.width,
      top: gap + Math.floor(i / columns) * cell.height,
    });
    const bytes = height * width * channels;
    const tiles = Array.from(labels, async (_, i) => ({
      input: await tile(
        pixels.subarray(i * bytes, (i + 1) * bytes),
        { width, height, channels: channels === 1 ? 1 : 3 },
        scale,
      ),
      ...place(i),
    }));
    const names = Array.from(labels, (label, i) => {
      const { left, top } = place(i);
      const name = data.classNames[label] ?? String(label);
      return `<text x="${left}" y="${top + height * scale + 14}">${escaped(shortened(name, width * scale))}</text>`;
    });
    const size = { width: gap + columns * cell.width, height: gap + rows * cell.height };
    const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" font-family="sans-serif" font-size="12" fill="#222">${names.join('')}</svg>`;
    const { default: sharp } = await import('sharp');
    const png = await sharp({ create: { ...size, channels: 3, background: '#fff' } })
      .composite([...(await Promise.all(tiles)), { input: Buffer.from(text), left: 0, top: 0 }])
      .png()
      .toBuffer();
    await replaceFile(path, (file) => file.writeFile(png));
    return labels.length;
  }
  return 0;
}

interface TileSize {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

async function tile(pixels: Uint8Array, size: TileSize, scale: number): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  return sharp(pixels, { raw: size })
    .toColourspace('srgb')
    .resize(size.width * scale, size.height * scale, { kernel: 'nearest' })
    .png()
    .toBuffer();
}

/** A name cut to a width in pixels, at about 7 a letter. */
function shortened(name: string, width: number): string {
  const most = Math.max(3, Math.floor(width / 7));
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

function escaped(text: string): string {
  const visible = text.replaceAll(/\p{Cc}/gu, '\ufffd'); // XML has no control characters
  return visible.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
