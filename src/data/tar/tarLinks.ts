/** Links in an archive, followed to the files they lead to. */
import { posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type TarBytes, type TarEntry, tarEntries } from './tar.ts';

/** As many links in a row as a file system follows. */
const mostLinks = 40;
/** Headers that are read before other work gets its turn. */
const headersAtOnce = 2000;

/**
 * Follows links inside an archive; all of it is listed at the first one.
 *
 * @returns a function from an entry to what it leads to: itself unless it is a link; null where that is not
 *   in the archive.
 */
export function linkFollower(archive: TarBytes): (entry: TarEntry) => Promise<TarEntry | null> {
  let listed: Promise<ReadonlyMap<string, TarEntry>> | undefined;
  return async (entry) => {
    let found: TarEntry | undefined = entry;
    for (let i = 0; i < mostLinks && found !== undefined; i++) {
      if (found.kind !== 'a hard link' && found.kind !== 'a symbolic link') return found;
      listed ??= byName(archive);
      found = (await listed).get(placeOf(found));
    }
    return null;
  };
}

/** Name of what a link leads to: a hard link names a member, a symbolic one a path from its own folder. */
function placeOf({ kind, name, target }: TarEntry): string {
  return posix.normalize(kind === 'a hard link' ? target : posix.join(posix.dirname(name), target));
}

async function byName(archive: TarBytes): Promise<ReadonlyMap<string, TarEntry>> {
  const found = new Map<string, TarEntry>();
  for (const entry of tarEntries(archive)) {
    found.set(posix.normalize(entry.name), entry);
    if (found.size % headersAtOnce === 0) await setImmediate();
  }
  return found;
}
