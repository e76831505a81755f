/** What the schemes check of their options. */
import { expected } from '../errors.ts';
import { isSize } from '../graph/shapes.ts';

/**
 * Refuses what is no integer >= 1.
 *
 * @throws ERR_CONFIG.
 */
export function positiveInteger(value: number, name: string): void {
  if (!isSize(value, 1)) throw expected('ERR_CONFIG', 'a positive integer', name, value);
}
