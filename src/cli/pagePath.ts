/** Where a page that a command writes goes. */
import { existsSync } from 'node:fs';
import { LmError } from '../errors.ts';

/** The flags of a command that writes a page. */
export interface PageFlags {
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/**
 * The path of the page; undefined with --json alone.
 *
 * @param standard path without --out.
 * @throws ERR_FILE when a file is there, unless --force is given: early, before the work.
 */
export function pagePath({ out, json, force }: PageFlags, standard: string): string | undefined {
  const path = out ?? (json ? undefined : standard);
  if (path === undefined || force || !existsSync(path)) return path;
  throw new LmError('ERR_FILE', `Expected a new file for \`${path}\` but it exists`, {
    hint: 'Pass --force to overwrite it, or another name with --out.',
  });
}
