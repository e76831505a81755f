/** Image files that claim what they do not hold. */
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

function word(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([word(data.length), body, word(crc32(body))]);
}

/** A PNG file of gray, 8 bits: black unless other data is given. */
export function png(width: number, height: number, data?: Uint8Array): Buffer {
  const header = Buffer.concat([word(width), word(height), Buffer.of(8, 0, 0, 0, 0)]);
  const pixels = data ?? deflateSync(Buffer.alloc((width + 1) * height));
  const signature = Buffer.from('\x89PNG\r\n\x1A\n', 'latin1');
  const none = new Uint8Array();
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', none)]);
}

/** A BMP file of 8 bits with run lengths. */
export function bmp(width: number, height: number, runs: Uint8Array): Buffer {
  const header = Buffer.alloc(54 + 4 * 256);
  header.write('BM');
  header.writeUInt32LE(header.length, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(8, 28);
  header.writeUInt32LE(1, 30);
  return Buffer.concat([header, runs]);
}

/** A JPEG file whose header says another size. */
export function withSize(file: Buffer, side: number): Buffer {
  const changed = Buffer.from(file);
  const frame = [0xc0, 0xc2].map((type) => changed.indexOf(Buffer.of(0xff, type))).find((at) => at > 0) ?? 0;
  changed.writeUInt16BE(side, frame + 5);
  changed.writeUInt16BE(side, frame + 7);
  return changed;
}

/** A progressive JPEG file whose last scan is there so many times more. */
export function withScans(file: Buffer, count: number): Buffer {
  const last = file.subarray(file.lastIndexOf(Buffer.of(0xff, 0xda)), file.length - 2);
  return Buffer.concat([file.subarray(0, -2), ...new Array<Buffer>(count).fill(last), file.subarray(-2)]);
}

/** A JPEG file of 8 x 8 pixels with an orientation. */
export function exifOf(orientation: number): Promise<Buffer> {
  return sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } })
    .withMetadata({ orientation })
    .jpeg()
    .toBuffer();
}
