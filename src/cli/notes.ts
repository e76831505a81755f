/** Tells what was taken for what in data sets, and what was passed over. */

/** Prints the notes of what was opened, each once; nothing in quiet mode. */
export function tellNotes(
  opened: readonly ({ readonly notes: readonly string[] } | undefined)[],
  { quiet = false }: { readonly quiet?: boolean | undefined } = {},
): void {
  if (quiet) return;
  for (const note of new Set(opened.flatMap((one) => one?.notes ?? []))) console.error(`note: ${note}`);
}
