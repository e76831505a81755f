/** Plain data as Python writes it. */

/** A text in quotes: the escapes of JSON are Python's too. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A tuple of numbers. */
export function tuple(values: readonly number[]): string {
  return `(${values.join(', ')}${values.length === 1 ? ',' : ''})`;
}

/** Data of JSON as a Python expression. */
export function literal(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  if (value === null) return 'None';
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${entries.map(([key, inner]) => `${quoted(key)}: ${literal(inner)}`).join(', ')}}`;
}
