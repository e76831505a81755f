/** Looks at every file of a data set. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { availableCores } from '../cores.ts';
import { LmError } from '../errors.ts';
import { otherFormats } from '../images/foreign.ts';
import type { Dataset } from '../loading/dataset.ts';
import { datasetOf, type Images } from '../loading/images.ts';
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
/** Between two looks at how far it is; the first come sooner. */
const pollMs = 50;

/**
 * Decodes every image of a data set on all cores, and lists those that cannot be used; of packed records the
 * checksums are compared too. Pixels in memory are sound.
 *
 * @returns bad images in the order of the data set.
 * @throws ERR_ABORTED, ERR_CLOSED, ERR_CONFIG.
 * @example
 * for (const { name, reason } of await checkImages(photos)) console.log(name, reason);
 */
export async function checkImages(data: Images, options: CheckOptions = {}): Promise<BadImage[]> {
  const { signal, onProgress, ...rest } = options;
  const { workers = availableCores() } = parseOptions(schema, rest, 'checkImages');
  return lookThrough(datasetOf(data), { workers, signal, onProgress, ofHeads: false });
}

/**
 * Looks at the first bytes of every file, for some formats are not decoded while a training runs. Files that
 * begin like no image are left to the decoder, which tells of each.
 *
 * @throws ERR_DATASET naming the first file of another format, and how many there are.
 */
export async function checkFormats(data: Dataset): Promise<void> {
  const found = await lookThrough(data, { workers: availableCores(), ofHeads: true });
  const [first] = found;
  if (first === undefined) return;
  const among = `${found.length} of another format among ${data.count}, the first of them ${first.name} (${first.reason})`;
  const message = `Expected JPEG, PNG, BMP or Netpbm files, whatever their names say, for \`${data.name}\` but received ${among}`;
  throw new LmError('ERR_DATASET', message, {
    hint: otherFormats.includes(first.reason)
      ? `\`lm-resnet pack\` brings ${otherFormats.join(', ')} into records that load faster: train on these.`
      : 'Convert these files to PNG or JPEG, or remove them; `lm-resnet data check` lists them all.',
  });
}

/** How a look goes, and who is told of it. */
interface Look extends Pick<CheckOptions, 'signal' | 'onProgress'> {
  readonly workers: number;
  readonly ofHeads: boolean;
}

/** Files that cannot be used, in the order of the data set. */
async function lookThrough(
  data: Dataset,
  { workers, signal, onProgress, ofHeads }: Look,
): Promise<BadImage[]> {
  const total = data.count ?? 0;
  if (data.files === null) return [];
  const scan = new (native().Scan)(data.source, workers, maxPixels, ofHeads);
  const bad: (BadImage & { readonly index: number })[] = [];
  try {
    for (let [done, wait] = [-1, 1]; done < total; wait = Math.min(2 * wait, pollMs)) {
      await setTimeout(wait);
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
