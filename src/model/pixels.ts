import type { InputSpec } from '../graph/spec.ts';
import { must } from '../must.ts';

/** The network's own input for pixels: x = (pixel / 255 - mean) / std per channel, in the same order. */
export function normalised(pixels: Uint8Array, { channels, mean, std }: InputSpec): Float64Array {
  return Float64Array.from(pixels, (pixel, i) => {
    const c = i % channels;
    return (pixel / 255 - must(mean[c])) / must(std[c]);
  });
}
