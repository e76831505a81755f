/** A configuration file: the options of `train` as YAML or JSON. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { didYouMean, expected, LmError } from '../errors.ts';
import { fileError } from '../files.ts';

/**
 * Reads a configuration file; the values are checked with the flags.
 *
 * @param known names of all options.
 * @throws ERR_FILE when it cannot be read, ERR_CONFIG when it is not YAML or JSON, or not a list of known
 *   options.
 */
export async function readConfig(path: string, known: readonly string[]): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw fileError(cause, 'a readable configuration file', path);
  });
  const found = z.record(z.string(), z.unknown()).safeParse(parseText(text, path) ?? {});
  if (!found.success) throw expected('ERR_CONFIG', 'options by name', path, text);
  const [wrong, value] = Object.entries(found.data).find(([name]) => !known.includes(name)) ?? [];
  if (wrong === undefined) return found.data;
  throw expected('ERR_CONFIG', 'a known option', `train.${wrong}`, value, { hint: didYouMean(wrong, known) });
}

function parseText(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LmError(
      'ERR_CONFIG',
      `Expected YAML or JSON for \`${path}\` but received a file that is neither: ${reason}`,
      { cause },
    );
  }
}
