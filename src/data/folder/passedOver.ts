/** What of a folder is passed over, so that it can be told of. */
import { firstFew } from '../../errors.ts';

/** Why a file or folder is passed over. */
export type Reason = keyof typeof words;

const words = {
  'no images': 'passed over as no images',
  'of no class': 'passed over, for they lie in no folder of a class',
  hidden: 'passed over as hidden',
} as const;

/** So many names of each reason are kept: there may be a text beside every image. */
const mostKept = 100;

/** Names that were passed over: the first of each reason, and how many. */
export class PassedOver {
  readonly #found = new Map<Reason, { readonly names: string[]; count: number }>();

  /** @param path makes the path to be told of a name. */
  add(reason: Reason, names: readonly string[], path: (name: string) => string = (name) => name): void {
    if (names.length === 0) return;
    const found = this.#found.get(reason) ?? { names: [], count: 0 };
    this.#found.set(reason, found);
    found.count += names.length;
    for (const name of names.toSorted().slice(0, mostKept - found.names.length)) found.names.push(path(name));
  }

  /** A sentence a reason. */
  notes(root: string): string[] {
    return [...this.#found].map(
      ([reason, { names, count }]) => `${root}: ${words[reason]}: ${firstFew(names, count)}`,
    );
  }
}
