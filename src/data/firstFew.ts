/** Names that a message lists. */
const mostShown = 5;

/** "a, b, c": the first five of a list, and how many more there are. */
export function firstFew(words: readonly string[], count: number = words.length): string {
  const shown = words.slice(0, mostShown);
  const more = count > shown.length ? ` and ${count - shown.length} more` : '';
  return `${shown.join(', ')}${more}`;
}
