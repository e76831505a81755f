/** A tiny data set in the files of MNIST. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { noiseBytes } from '../noise.ts';

/** The bytes of an IDX file. */
export function idx(sizes: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(0x800 + sizes.length);
  sizes.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  return Buffer.concat([header, values]);
}

export interface DigitsOptions {
  readonly train?: number;
  readonly test?: number;
  readonly gzip?: boolean;
}

/** Writes noise of 28 x 28 pixels with labels 0 to 9 in turn as MNIST's four files; the folder. */
export async function writeDigits(folder: string, options: DigitsOptions = {}): Promise<string> {
  const { train = 32, test = 10, gzip = false } = options;
  await mkdir(folder, { recursive: true });
  const write = (name: string, bytes: Buffer): Promise<void> =>
    writeFile(join(folder, gzip ? `${name}.gz` : name), gzip ? gzipSync(bytes) : bytes);
  for (const [name, count] of Object.entries({ train, t10k: test })) {
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
    await write(`${name}-images-idx3-ubyte`, idx([count, 28, 28], noiseBytes(count * 784)));
    await write(`${name}-labels-idx1-ubyte`, idx([count], labels));
  }
  return folder;
}
