/** Flags that say where to compute. */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { defaultThreads } from '../cores.ts';
import type { ModelOptions } from '../model/options.ts';
import { init } from '../native/load.ts';
import { countOption } from './flags.ts';

export interface PlaceFlags {
  readonly device?: ModelOptions['device'];
  readonly dtype?: ModelOptions['dtype'];
  readonly threads?: number | undefined;
  readonly libtorch?: string | undefined;
}

/** Where to compute, as options of a configuration file. */
export const placeShape: {
  readonly [K in 'device' | 'dtype' | 'threads']: z.ZodType<PlaceFlags[K]>;
} = {
  device: z
    .templateLiteral([z.enum(['auto', 'cpu', 'cuda'])])
    .or(z.templateLiteral(['cuda:', z.int().min(0)]))
    .optional()
    .describe('auto, cpu, cuda or cuda:<index> (default: auto)'),
  dtype: z.enum(['float32', 'float64']).optional().describe('precision (default: float32)'),
  threads: z.int().min(1).optional().describe('threads that compute (default: the available cores)'),
};

/** Adds --device, --dtype, --threads and --libtorch. */
export function addPlaceFlags(command: Command): void {
  command
    .addOption(new Option('--device <name>', 'auto, cpu, cuda or cuda:<index> (default: auto)'))
    .addOption(new Option('--dtype <name>', 'precision (default: float32)').choices(['float32', 'float64']))
    .addOption(countOption('threads', 'threads that compute (default: the available cores)'))
    .addOption(new Option('--libtorch <folder>', 'libtorch to use (default: the one that is found)'));
}

/** Applies --threads and --libtorch; without --threads the default, whatever an earlier command had. */
export function initFrom({ threads, libtorch }: PlaceFlags): void {
  init({ libtorch, threads: threads ?? defaultThreads() });
}
