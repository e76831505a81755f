/** Folders of small image files. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { noiseBytes } from '../noise.ts';

/** A JPEG file of one colour: gray of a brightness, so that an image is known by its pixels. */
export function grayJpeg(value: number, width = 12, height = 10): Promise<Buffer> {
  const background = { r: value, g: value, b: value };
  return sharp({ create: { width, height, channels: 3, background } })
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** A JPEG file of random noise, about 3 KB. */
export function noiseJpeg(): Promise<Buffer> {
  return sharp(noiseBytes(3 * 32 * 32), { raw: { width: 32, height: 32, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
}

/** Writes files by their paths below a folder. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<string> {
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return folder;
}

/** Class folders `c0`, `c1`, … of gray images; image i of all has the brightness 10 i. */
export async function writeImageFolder(folder: string, classes: number, each: number): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < classes * each; i++)
    files[`c${Math.floor(i / each)}/${String(i).padStart(2, '0')}.jpg`] = await grayJpeg(10 * i);
  return writeFiles(folder, files);
}
