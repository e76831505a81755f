/** Flags that say where to compute. */
import { type Command, Option } from 'commander';
import { init } from '../native/load.ts';
import type { ModelOptions } from '../runtime/options.ts';
import { countOption } from './flags.ts';

export interface PlaceFlags {
  readonly device?: ModelOptions['device'];
  readonly dtype?: ModelOptions['dtype'];
  readonly threads?: number;
  readonly libtorch?: string;
}

/** Adds --device, --dtype, --threads and --libtorch. */
export function addPlaceFlags(command: Command): void {
  command
    .addOption(new Option('--device <name>', 'auto, cpu, cuda or cuda:<index> (default: auto)'))
    .addOption(new Option('--dtype <name>', 'precision (default: float32)').choices(['float32', 'float64']))
    .addOption(countOption('threads', 'threads that compute (default: the available cores)'))
    .addOption(new Option('--libtorch <folder>', 'libtorch to use (default: the one that is found)'));
}

/** Applies --threads and --libtorch. */
export function initFrom({ threads, libtorch }: PlaceFlags): void {
  init({ libtorch, threads });
}
