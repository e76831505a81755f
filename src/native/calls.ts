/** Errors of native calls, told where they were asked for. */
import { LmError } from '../errors.ts';

/**
 * Awaits what a method does natively; its error gets the stack of the line that called the method. An error
 * that is born on another thread has none of its own.
 *
 * @example
 * const logits = await called(model.predict, () => native.predict(pixels, n, 28, 28));
 */
export async function called<T>(caller: (...args: never[]) => unknown, call: () => Promise<T>): Promise<T> {
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, caller);
  try {
    return await call();
  } catch (error) {
    if (error instanceof LmError) error.stack = `${error.name}: ${error.message}\n${lines(here.stack)}`;
    throw error;
  }
}

function lines(stack = ''): string {
  return stack.split('\n').slice(1).join('\n');
}
