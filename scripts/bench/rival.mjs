// What the loaders in Node that scripts/bench/data.mjs compares share: the lines they speak, the files, and
// the crop.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * Says what it is (or `{ unavailable }`), then answers each line of standard input with the seconds of one
 * pass.
 */
export async function serve(about, pass) {
  const say = (message) => console.log(JSON.stringify(message));
  say(about);
  if (about.unavailable) return;
  for await (const _ of createInterface({ input: process.stdin })) {
    const start = performance.now();
    await pass();
    say({ seconds: (performance.now() - start) / 1000 });
  }
}

export function findFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.JPEG'))
    .sort()
    .map((name) => join(folder, name));
}

const between = (low, high) => low + (high - low) * Math.random();

/** torchvision's RandomResizedCrop: 8 to 100 % of the area, sides' ratio from 3/4 to 4/3. */
export function drawCrop(width, height) {
  for (let i = 0; i < 10; i++) {
    const area = width * height * between(0.08, 1);
    const ratio = (4 / 3) ** between(-1, 1);
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const [left, top] = [width - w, height - h].map((room) => Math.floor(between(0, room + 1)));
      return { left, top, width: w, height: h };
    }
  }
  const w = Math.min(width, Math.round((height * 4) / 3));
  const h = Math.min(height, Math.round((width * 4) / 3));
  return { left: (width - w) >> 1, top: (height - h) >> 1, width: w, height: h };
}
