/** Values inside a network. */
import { parseOptions } from '../check.ts';
import type { NativeTensor } from '../native/binding.ts';
import { type Core, opened } from './core.ts';
import { type GivenImages, type PixelBatch, pixelBatches } from './givenImages.ts';
import { type SizeOptions, sizeSchema } from './options.ts';

/** The values of some nodes for images. */
export async function probe(
  core: Core,
  images: GivenImages,
  nodes: readonly number[],
  options: SizeOptions,
): Promise<NativeTensor[]> {
  const size = parseOptions(sizeSchema, options, 'probe');
  opened(core);
  const found: PixelBatch[] = [];
  for await (const batch of pixelBatches(core, images, size)) found.push(batch);
  const [{ height, width } = { height: 0, width: 0 }] = found;
  const pixels = Buffer.concat(found.map((batch) => batch.pixels));
  const n = found.reduce((sum, batch) => sum + batch.n, 0);
  return opened(core).probe(pixels, n, height, width, nodes);
}
