// sharp as a data loader, a rival in scripts/bench/data.mjs: `node scripts/bench/data-sharp.mjs FOLDER`.
// One image at a time, libvips on one thread, its cache off; the triangle filter, as torchvision's.
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { drawCrop, findFiles, serve } from './rival.mjs';

const size = 224;
const files = findFiles(process.argv[2]);
sharp.concurrency(1);
sharp.cache(false);

async function load(file) {
  const data = readFileSync(file);
  const { width, height } = await sharp(data).metadata();
  return sharp(data)
    .extract(drawCrop(width, height))
    .resize(size, size, { fit: 'fill', kernel: 'linear' })
    .flop(Math.random() < 0.5)
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}

async function pass() {
  for (const file of files) await load(file);
}

const { sharp: version, vips, mozjpeg } = sharp.versions;
await serve({ images: files.length, cores: 1, versions: { sharp: version, vips, mozjpeg } }, pass);
