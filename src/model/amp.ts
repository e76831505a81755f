/** Mixed precision: convolutions and linear layers in a type of half the bits. */
import { z } from 'zod';
import { expected } from '../errors.ts';
import { type Amp, type Dtype, type NativeMemory, precisions } from '../native/binding.ts';

/** The option `amp` of trainings, evaluations and predictions. */
export const ampSchema: z.ZodType<Amp, Amp | undefined> = z
  .enum(precisions)
  .default('none')
  .describe('type of convolutions and linear layers in mixed precision');

/**
 * Checks that a model can compute in mixed precision: weights of float32, and a backward pass that undoes no
 * steps, for f is rounded.
 *
 * @throws ERR_CONFIG.
 */
export function checkAmp(amp: Amp, dtype: Dtype, memory: NativeMemory['kind'] = 'store'): void {
  if (amp === 'none') return;
  if (dtype !== 'float32')
    throw expected('ERR_CONFIG', 'a model of float32, for mixed precision,', 'dtype', dtype);
  if (memory === 'reverse')
    throw expected(
      'ERR_CONFIG',
      '`store` or `recompute`, for steps of mixed precision cannot be undone,',
      'memory',
      memory,
    );
}
