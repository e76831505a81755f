/** Gradients of a model's output. */
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import type { NativeVjp } from '../native/binding.ts';
import { ampFor } from './amp.ts';
import { type Core, checkIdle, countImages, opened } from './core.ts';
import { type VjpOptions, vjpSchema } from './options.ts';

/** The output for x, and the gradient of sum(output · cotangent). */
export function vjp(
  core: Core,
  x: Float64Array,
  cotangent: Float64Array | null,
  options: VjpOptions,
): Promise<NativeVjp> {
  const { height, width, ...rest } = parseOptions(vjpSchema, options, 'vjp');
  const amp = ampFor(rest.amp, core, rest.memory?.kind);
  if (!(x instanceof Float64Array)) throw expected('ERR_CONFIG', 'a Float64Array', 'x', x);
  const images = countImages(core, x, 'x', { height, width });
  checkIdle(core, 'take gradients');
  return opened(core).vjp(x, images.n, images.height, images.width, cotangent, { ...rest, amp });
}
