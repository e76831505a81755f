import { type ErrorCode, LmError } from '../../src/errors.ts';

/** The error a call throws: its code, and all of its text; a plain word when it throws none or another. */
export function thrown(call: () => unknown): { code: ErrorCode | 'none'; text: string } {
  try {
    call();
  } catch (error) {
    if (!(error instanceof LmError)) throw error;
    return { code: error.code, text: `${error.message} ${error.hint ?? ''}` };
  }
  return { code: 'none', text: '' };
}
