/** Looks at every file of a data set. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { availableCores } from '../cores.ts';
import { LmError } from '../errors.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { BadImage } from '../native/binding.ts';
import { native } from '../native/load.ts';
import { maxPixels } from '../transforms/decoding.ts';

/** Options of `checkImages`. */
export interface CheckOptions {
  /** Default: the available cores. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called several times a second. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

const schema = z.object({ workers: z.int().min(1).max(1024).optional() });
const pollMs = 50;

/**
 * Decodes every image of a data set on all cores, and lists those that cannot be used; of packed records the checksums are compared too.
 * Pixels in memory are sound.
 *
 * @returns bad images in the order of the data set.
 * @throws ERR_ABORTED, ERR_CLOSED, ERR_CONFIG.
 * @example
 * for (const { name, reason } of await checkImages(photos)) console.log(name, reason);
 */
export async function checkImages(data: Dataset, options: CheckOptions = {}): Promise<BadImage[]> {
  const { signal, onProgress, ...rest } = options;
  const { workers = availableCores() } = parseOptions(schema, rest, 'checkImages');
  const total = data.count ?? 0;
  if (data.files === null) return [];
  const scan = new (native().Scan)(data.source, workers, maxPixels);
  const bad: (BadImage & { readonly index: number })[] = [];
  try {
    for (let done = -1; done < total; ) {
      await setTimeout(pollMs);
      if (signal?.aborted)
        throw new LmError('ERR_ABORTED', `The check was aborted after ${scan.done} of ${total} images`, {
          cause: signal.reason,
        });
      done = scan.done;
      bad.push(...scan.bad());
      onProgress?.(done, total);
    }
  } finally {
    scan.close();
  }
  return bad.toSorted((a, b) => a.index - b.index).map(({ name, reason }) => ({ name, reason }));
}
