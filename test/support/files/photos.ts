/** Small photographs that sharp makes, in a folder for each class. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** Pixels of a smooth picture, uint8 [height, width, 3]. */
export function picture(width: number, height: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    return 128 + 100 * Math.sin((x * (channel + 1)) / 9 + seed) * Math.cos(y / 7 - seed);
  });
}

/** How a picture is written, by the end of its name; `.gray.jpg` is a gray JPEG file. */
async function fileOf(name: string, width: number, height: number, seed: number): Promise<Buffer> {
  const image = sharp(picture(width, height, seed), { raw: { width, height, channels: 3 } });
  if (name.endsWith('.gray.jpg')) return image.toColourspace('b-w').jpeg().toBuffer();
  if (name.endsWith('.jpg')) return image.jpeg({ quality: 90 }).toBuffer();
  if (name.endsWith('.webp')) return image.webp({ lossless: true }).toBuffer();
  return image.png().toBuffer();
}

/** Sizes by path, such as `cat/1.jpg`: [width, height]. */
export type Photos = Readonly<Record<string, readonly [width: number, height: number]>>;

/** Writes pictures into a folder; each has its place in the list for its seed. */
export async function writePhotos(folder: string, photos: Photos): Promise<string> {
  for (const [seed, [name, [width, height]]] of Object.entries(photos).entries()) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), await fileOf(name, width, height, seed));
  }
  return folder;
}

/** So many JPEG files in every class a, b, …: 40 x 30 pixels. */
export function photosOf(classes: number, each: number): Photos {
  const names = Array.from({ length: classes * each }, (_, i) => {
    const name = `${String.fromCharCode(97 + Math.floor(i / each))}/${i % each}.jpg`;
    return [name, [40, 30]] as const;
  });
  return Object.fromEntries(names);
}
