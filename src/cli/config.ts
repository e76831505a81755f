/** A configuration file: the options of `train` as YAML or JSON. */
import { z } from 'zod';
import { didYouMean, expected, LmError } from '../errors.ts';
import { readBounded } from '../files.ts';
import { parseJson } from '../json.ts';

/** The largest file of JSON, in bytes. */
const maxBytes = 16 * 2 ** 20;
/** The most letters of YAML, whose parser takes time with the square of some texts. */
const maxYaml = 2 ** 15;

/**
 * Reads a configuration file; the values are checked with the flags.
 *
 * @param known names of all options.
 * @throws ERR_FILE when it cannot be read or has more than 16 MiB, ERR_CONFIG when it is not YAML (of at most
 *   32,768 letters) or JSON, or not a list of known options.
 */
export async function readConfig(path: string, known: readonly string[]): Promise<Record<string, unknown>> {
  const text = (await readBounded(path, maxBytes)).toString();
  const found = z.record(z.string(), z.unknown()).safeParse((await parseText(text, path)) ?? {});
  if (!found.success) throw expected('ERR_CONFIG', 'options by name', path, text);
  const [wrong, value] = Object.entries(found.data).find(([name]) => !known.includes(name)) ?? [];
  if (wrong === undefined) return found.data;
  throw expected('ERR_CONFIG', 'a known option', `train.${wrong}`, value, { hint: didYouMean(wrong, known) });
}

async function parseText(text: string, path: string): Promise<unknown> {
  try {
    return parseJson(text);
  } catch (cause) {
    if (cause instanceof RangeError) throw neither(path, cause);
  }
  if (text.length > maxYaml)
    throw expected('ERR_CONFIG', `JSON, or YAML of at most ${maxYaml} letters,`, path, text, {
      hint: 'Write a longer one as JSON.',
    });
  try {
    return await parseYaml(text);
  } catch (cause) {
    throw neither(path, cause);
  }
}

/** Explains one error: where each stands takes long to find. */
async function parseYaml(text: string): Promise<unknown> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error', lineCounter });
  const [error] = document.errors;
  if (error === undefined) return parseJson(JSON.stringify(document.toJS() ?? null)); // no circles
  throw new SyntaxError(`${error.message} in line ${lineCounter.linePos(error.pos[0]).line}`);
}

function neither(path: string, cause: unknown): LmError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `Expected YAML or JSON for \`${path}\` but received a file that is neither: ${reason}`;
  return new LmError('ERR_CONFIG', message, { hint: 'Mend the file there, or write it as JSON.', cause });
}
