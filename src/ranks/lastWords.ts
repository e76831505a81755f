/** What ended a rank, for torchrun's agent, which shows it. */
import { writeFile } from 'node:fs/promises';
import { LmError } from '../errors.ts';

/**
 * Writes an error to the file that torchrun names (`TORCHELASTIC_ERROR_FILE`), in its form; the first one
 * stays. Without that variable nothing is written.
 */
export async function writeLastWords(error: unknown, now: () => number = Date.now): Promise<void> {
  const file = process.env.TORCHELASTIC_ERROR_FILE;
  if (file === undefined || file === '') return;
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const said = error instanceof LmError ? `${error.code}: ${message}` : message;
  const extraInfo = { py_callstack: stack ?? '', timestamp: String(Math.floor(now() / 1000)) };
  const json = `${JSON.stringify({ message: { message: said, extraInfo } })}\n`;
  await writeFile(file, json, { flag: 'wx' }).catch(() => undefined); // it ends for another reason
}
