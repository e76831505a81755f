import { isLmError } from '../../src/errors.ts';

/**
 * Code of the LmError that a promise or function fails with; "none" when it does not fail, the error itself
 * when it is another.
 */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return isLmError(error) ? error.code : `not an LmError: ${String(error)}`;
  }
  return 'none';
}
