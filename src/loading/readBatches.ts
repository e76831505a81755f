import type { NativeBatch, NativeLoaderSpec } from '../native/binding.ts';
import { native } from '../native/load.ts';
import type { Dataset } from './dataset.ts';

/**
 * The batches of one pass over a data set; a stream gives them until it ends.
 *
 * @param pass which pass of a training, from 0.
 * @param start first batch of the pass.
 */
export async function* readBatches(
  data: Dataset,
  spec: NativeLoaderSpec,
  { pass = 0, start = 0 }: { readonly pass?: number; readonly start?: number } = {},
): AsyncGenerator<NativeBatch, void> {
  const loader = new (native().Loader)(data.source, spec);
  try {
    for (let i = start; i < loader.batches; i++) {
      const batch = await loader.at(pass * loader.batches + i);
      if (batch.labels.length > 0) yield batch;
      if (data.count === null && batch.labels.length < spec.batch) return;
    }
  } finally {
    loader.close();
  }
}
