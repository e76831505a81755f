/** Members of a tar archive: where their bytes are, without reading them. */
import {
  damaged,
  type Extended,
  hasMore,
  isExtended,
  isSound,
  parseHeader,
  paxFields,
  type TarKind,
  textOf,
} from './tarHeader.ts';

/** A member of an archive that is no folder. */
export interface TarEntry {
  readonly name: string;
  /** First byte of its contents in the archive. */
  readonly offset: number;
  readonly size: number;
  readonly kind: TarKind;
  /** Of a link: what it leads to. */
  readonly target: string;
}

/** A file in an archive. */
export type TarMember = Pick<TarEntry, 'name' | 'offset' | 'size'>;

/** An archive: on disk or in memory. */
export interface TarBytes {
  /** Name in messages. */
  readonly path: string;
  readonly size: number;
  /** `length` bytes from a position; fewer where the archive ends. */
  read(position: number, length: number): Uint8Array;
}

/** Bytes that are needed to go on. */
export interface Wanted {
  readonly position: number;
  readonly length: number;
}

const block = 512;
/** The largest long name or pax header, in bytes. */
const maxExtended = 2 ** 20;
/** The longest name, in letters: that of a path. */
const maxName = 4096;

/**
 * Lists the regular files of an archive, in their order.
 *
 * @throws ERR_DATASET naming the archive when it is cut off or damaged.
 * @example
 * for (const { name, offset, size } of tarMembers(archive)) console.log(name, archive.read(offset, size));
 */
export function* tarMembers(archive: TarBytes): Generator<TarMember, void> {
  for (const { name, offset, size, kind } of tarEntries(archive))
    if (kind === 'a file') yield { name, offset, size };
}

/**
 * Lists everything in an archive but folders, in its order: files, and what only looks like one.
 *
 * @throws ERR_DATASET naming the archive when it is cut off or damaged.
 */
export function* tarEntries(archive: TarBytes): Generator<TarEntry, void> {
  const steps = tarSteps(archive.path, archive.size);
  for (let step = steps.next(); !step.done; ) {
    const { value } = step;
    if ('kind' in value) {
      yield value;
      step = steps.next();
    } else step = steps.next(archive.read(value.position, value.length));
  }
}

/**
 * Lists an archive step by step, its bytes ever further behind: a step is an entry, or bytes that are to be
 * handed to the next call; fewer where the archive ends.
 *
 * @param size bytes of the archive, or as many as it may have.
 * @throws ERR_DATASET naming the archive when it is cut off or damaged.
 */
export function* tarSteps(
  path: string,
  size: number,
): Generator<TarEntry | Wanted, void, Uint8Array | undefined> {
  let position = 0;
  let next: Extended = {};
  while (position < size) {
    const header = yield* read(position, block);
    if (header.length === 0) return; // the end of one whose size was not known
    if (header.length < block) throw damaged(path, `ends inside the header at byte ${position}`);
    if (header.every((byte) => byte === 0)) return;
    if (!isSound(header)) throw damaged(path, `has no header at byte ${position}`);
    const { type, ...entry } = parseHeader(header, next);
    if (!Number.isSafeInteger(entry.size))
      throw damaged(path, `says no size of "${entry.name}" at byte ${position}`);
    if (entry.name.length > maxName)
      throw damaged(path, `has a name of ${entry.name.length} letters, of which at most ${maxName} are read`);
    let offset = position + block;
    for (let more = type === 'S' && hasMore(header, true); more; offset += block)
      more = hasMore(yield* read(offset, block), false);
    if (offset + entry.size > size)
      throw damaged(path, `is cut off: "${entry.name}" needs ${offset + entry.size} bytes, it has ${size}`);
    position = offset + Math.ceil(entry.size / block) * block;
    const extended = yield* extendedBy(type, { path, offset, size: entry.size });
    if (extended !== null) next = { ...next, ...extended };
    else {
      next = {};
      if (entry.kind !== 'a folder') yield { ...entry, offset };
    }
  }
}

function* read(position: number, length: number): Generator<Wanted, Uint8Array, Uint8Array | undefined> {
  return (yield { position, length }) ?? new Uint8Array(0);
}

/** What a header says of the member behind it; null where it is a member itself. */
function* extendedBy(
  type: string,
  { path, offset, size }: { readonly path: string; readonly offset: number; readonly size: number },
): Generator<Wanted, Extended | null, Uint8Array | undefined> {
  if (!isExtended(type)) return null;
  if (size > maxExtended)
    throw damaged(path, `has an extended header of ${size} bytes, of which at most ${maxExtended} are read`);
  const bytes = yield* read(offset, size);
  if (type === 'L') return { name: textOf(bytes) };
  if (type === 'K') return { target: textOf(bytes) };
  return type === 'g' ? {} : paxFields(bytes, path);
}
