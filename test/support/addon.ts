/** The native addon as tests use it: one thread, since OpenMP teams that spin against each other are slow. */
import type { NativeAddon } from '../../src/native/binding.ts';
import { init, native } from '../../src/native/load.ts';

init({ threads: 1 });

/** The addon, loaded; `npm test` has built it. */
export function addon(): NativeAddon {
  return native();
}
