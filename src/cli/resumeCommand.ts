/** The command that goes on with a run that was ended. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What the command needs beside the run, which has its settings itself. */
export interface Resumable {
  readonly data: unknown;
  readonly test?: unknown;
  readonly device?: string | undefined;
  readonly libtorch?: string | undefined;
}

/**
 * The command line that goes on with a run folder; undefined where there is no checkpoint in it.
 *
 * @example
 * resumeCommand('runs/a', { data: 'mnist:data' }); // 'lm-resnet train --resume runs/a --data mnist:data'
 */
export function resumeCommand(run: string, flags: Resumable): string | undefined {
  if (!existsSync(join(run, 'checkpoint.safetensors'))) return undefined;
  const { data, test, device, libtorch } = flags;
  const given = Object.entries({ resume: run, data, test, device, libtorch })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `--${name} ${quoted(typeof value === 'string' ? value : JSON.stringify(value))}`);
  return `lm-resnet train ${given.join(' ')}`;
}

/** A word of a shell's command line. */
function quoted(text: string): string {
  return /^[\w./:=,+@%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
