/**
 * A value that cannot be missing: an element inside its array, an entry that was put in before. What may be
 * missing has a default of its own instead.
 *
 * @throws Error when it is: a fault of this package, not of who uses it.
 * @example
 * const last = must(steps.at(-1)); // there is at least one step
 */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('A value is missing that has to be there');
  return value;
}
