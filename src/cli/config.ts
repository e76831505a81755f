/** A configuration file: the options of `train` as YAML or JSON. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { expected, LmError } from '../errors.ts';
import { fileError } from '../files.ts';

/**
 * Reads a configuration file; what it says is checked with the flags.
 *
 * @throws ERR_FILE when it cannot be read, ERR_CONFIG when it is not YAML or JSON, or not a list of options.
 */
export async function readConfig(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw fileError(cause, 'a readable configuration file', path);
  });
  const found = z.record(z.string(), z.unknown()).safeParse(parseText(text, path) ?? {});
  if (!found.success) throw expected('ERR_CONFIG', 'options by name', path, text);
  return found.data;
}

function parseText(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LmError(
      'ERR_CONFIG',
      `Expected YAML or JSON for \`${path}\` but received a file that is neither: ${reason}`,
      {
        cause,
      },
    );
  }
}
