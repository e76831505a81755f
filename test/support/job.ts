/** A small training on the command line. */
import { join } from 'node:path';
import { writeDigits } from './files/idx.ts';
import { temporaryFolder } from './folder.ts';

/** Where commands compute in tests. */
export const place: readonly string[] = ['--device', 'cpu', '--threads', '1'];

/** The size of the images of a job. */
export const digit = { width: 28, height: 28, channels: 1 };

/** What a job reads and writes. */
export interface Job {
  readonly data: string;
  readonly run: string;
  readonly checkpoint: string;
  readonly args: readonly string[];
}

/** A data set in a new folder, and the command that trains on it. */
export async function job(options: Parameters<typeof writeDigits>[1] = {}): Promise<Job> {
  const folder = await temporaryFolder();
  const data = await writeDigits(join(folder, 'data'), options);
  const run = join(folder, 'runs', 'first');
  const args = ['train', '--data', `mnist:${data}`, '--run', run, '--batch', '16', '--json', ...place];
  return { data, run, checkpoint: join(run, 'checkpoint.safetensors'), args };
}

/** What a command said last, as JSON. */
export const lastLine = (text: string): Record<string, unknown> =>
  JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');
