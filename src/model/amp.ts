/** Mixed precision: convolutions and linear layers in a type of half the bits. */
import { z } from 'zod';
import { expected } from '../errors.ts';
import { type Amp, type Dtype, type NativeMemory, precisions } from '../native/binding.ts';
import { native } from '../native/load.ts';

/** A type for convolutions and linear layers, or `auto`: bfloat16 where that is fast, else none. */
export type AmpChoice = Amp | 'auto';

/** What `amp` may be. */
export const ampChoices: readonly [AmpChoice, ...AmpChoice[]] = [...precisions, 'auto'];

/** The option `amp` of trainings, evaluations and predictions. */
export const ampSchema: z.ZodType<AmpChoice, AmpChoice | undefined> = z
  .enum(ampChoices)
  .default('none')
  .describe('type of convolutions and linear layers; auto: bfloat16 where the device multiplies it, or none');

/** What computes, and in what type. */
interface Computing {
  /** "cpu", "cuda" or "cuda:<index>". */
  readonly device: string;
  readonly dtype: Dtype;
}

/**
 * The type in which a model computes its convolutions and linear layers. A half type needs weights of
 * float32, and a backward pass that undoes no steps, for f is rounded. `auto` is bfloat16 where that can be
 * had and the device multiplies it natively (processors with AMX, CUDA from compute capability 8.0), else
 * none: elsewhere bfloat16 is several times slower than float32.
 *
 * @throws ERR_CONFIG where a half type that was named cannot be had.
 */
export function ampFor(
  amp: AmpChoice,
  { device, dtype }: Computing,
  memory: NativeMemory['kind'] = 'store',
): Amp {
  if (amp === 'none') return 'none';
  if (amp === 'auto') {
    const isPossible = dtype === 'float32' && memory !== 'reverse';
    return isPossible && native().multipliesBfloat16(device) ? 'bfloat16' : 'none';
  }
  if (dtype !== 'float32')
    throw expected('ERR_CONFIG', 'a model of float32, for mixed precision,', 'dtype', dtype);
  if (memory === 'reverse')
    throw expected(
      'ERR_CONFIG',
      '`store` or `recompute`, for steps of mixed precision cannot be undone,',
      'memory',
      memory,
    );
  return amp;
}
