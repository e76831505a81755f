/**
 * Tar archives, written field by field as POSIX and GNU describe them: an independent counterpart of what is
 * read.
 */

/** A member; the fields left out are those of a regular file. */
export interface TarEntry {
  readonly name: string;
  readonly bytes?: Uint8Array | string;
  /** Type flag, default "0": a regular file. */
  readonly type?: string;
  /** POSIX's prefix of the name. */
  readonly prefix?: string;
  /** The size field, in place of the octal length. */
  readonly size?: Uint8Array;
  /** What a link leads to. */
  readonly link?: string;
  /** Blocks of GNU's map of a sparse file, between header and contents. */
  readonly sparse?: Uint8Array;
  /** How the name is written, default UTF-8. */
  readonly encoding?: 'utf8' | 'latin1';
  /** Six bytes that say which format it is, default ustar's. */
  readonly magic?: string;
}

/** An archive of members with the two empty blocks that end it. */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(member), Buffer.alloc(1024)]);
}

/** One member: header, contents, and zeros up to a whole block. */
export function member(entry: TarEntry): Buffer {
  const { name, bytes = '', type = '0', prefix = '', size, magic = 'ustar\0' } = entry;
  const { link = '', sparse = new Uint8Array(0), encoding = 'utf8' } = entry;
  const contents = Buffer.from(bytes);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, encoding);
  header.write(link, 157, 100, 'utf8');
  if (sparse.length > 0) header[482] = 1;
  header.write('0000644\0', 100, 'latin1');
  if (size === undefined) header.write(`${contents.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  else header.set(size, 124);
  header.write(type, 156, 'latin1');
  header.write(`${magic}00`, 257, 'latin1');
  header.write(prefix, 345, 155, 'utf8');
  header.write(' '.repeat(8), 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, sparse, contents, Buffer.alloc(-contents.length & 511)]);
}

/** A pax header of records `<length> <key>=<value>`, the length counting itself. */
export function pax(records: Readonly<Record<string, string>>, type: 'x' | 'g' = 'x'): TarEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest;
    while (length !== rest + String(length).length) length = rest + String(length).length;
    return `${length} ${key}=${value}\n`;
  });
  return { name: 'PaxHeaders/0', type, bytes: lines.join('') };
}

/** GNU's header of a long name (L) or a long link (K). */
export function longName(name: string, type: 'L' | 'K' = 'L'): TarEntry {
  return { name: '././@LongLink', type, bytes: `${name}\0`, magic: 'ustar ' };
}

/** GNU's size in base 256. */
export function base256(size: number): Uint8Array {
  const field = new Uint8Array(12);
  new DataView(field.buffer).setBigUint64(4, BigInt(size));
  field[0] = 0x80;
  return field;
}
