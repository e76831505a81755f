/** Values inside a network. */
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import type { NativeTensor } from '../native/binding.ts';
import { type Core, countImages, opened } from './core.ts';
import { type SizeOptions, sizeSchema } from './options.ts';
import { normalised } from './pixels.ts';

/** The values of some nodes for images. */
export function probe(
  core: Core,
  pixels: Uint8Array,
  nodes: readonly number[],
  options: SizeOptions,
): Promise<NativeTensor[]> {
  const size = parseOptions(sizeSchema, options, 'probe');
  if (!(pixels instanceof Uint8Array)) throw expected('ERR_CONFIG', 'a Uint8Array', 'pixels', pixels);
  const { n, height, width } = countImages(core, pixels, 'pixels', size);
  return opened(core).probe(normalised(pixels, core.graph.input), n, height, width, nodes);
}
