/** The command that goes on with a run that was ended. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../errors.ts';
import { runFileNames } from '../run/folder.ts';

/** What the command needs beside the run, which has its settings and knows its data itself. */
export interface Resumable {
  readonly device?: string | undefined;
  readonly libtorch?: string | undefined;
}

/**
 * The command line that goes on with a run folder; undefined where there is no checkpoint in it.
 *
 * @example
 * resumeCommand('runs/a', { device: 'cpu' }); // 'lm-resnet train --resume runs/a --device cpu'
 */
export function resumeCommand(run: string, { device, libtorch }: Resumable): string | undefined {
  if (!existsSync(join(run, runFileNames.newest))) return undefined;
  const given = Object.entries({ resume: run, device, libtorch }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shellWord(value)}`],
  );
  return `lm-resnet train ${given.join(' ')}`;
}
