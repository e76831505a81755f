/** Images in memory on their way to the native side: copied once, then shared by every training and evaluation. */
import type { NativeSource } from '../native/binding.ts';
import { native } from '../native/load.ts';

/** Labelled images of one size: what training and evaluation read. `imageSet` and `loadDataset` make and check them. */
export interface LabelledImages {
  /** Pixels, uint8 [count, height, width, channels]. */
  readonly images: Uint8Array;
  /** Class of every image, int32 [count]. */
  readonly labels: Int32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classNames?: readonly string[];
}

const sources = new WeakMap<LabelledImages, NativeSource>();

/** The native copy of a set, made at first use and freed with the set. */
export function sourceOf(set: LabelledImages): NativeSource {
  const known = sources.get(set);
  if (known !== undefined) return known;
  const { images, labels, height, width, channels } = set;
  const source = new (native().Source)({ kind: 'memory', images, labels, height, width, channels });
  sources.set(set, source);
  return source;
}
