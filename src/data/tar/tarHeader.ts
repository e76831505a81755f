/**
 * Headers of a tar archive, one block of 512 bytes each: POSIX ustar and pax, GNU's long names, large sizes
 * and sparse files.
 *
 * @see IEEE Std 1003.1, pax, "ustar Interchange Format"
 */
import { LmError } from '../../errors.ts';

/** What a member is, as a message says it. */
export type TarKind =
  | 'a file'
  | 'a folder'
  | 'a hard link'
  | 'a symbolic link'
  | 'a device'
  | 'a FIFO'
  | 'a sparse file'
  | 'a special member';

/** What one header says. */
export interface TarHeader {
  readonly kind: TarKind;
  /** Letter of the kind in the archive. */
  readonly type: string;
  readonly name: string;
  /** Of a link: what it leads to; else empty. */
  readonly target: string;
  /** Bytes of contents behind the header; NaN where it says none. */
  readonly size: number;
}

/** What a header of its own says of the member behind it. */
export interface Extended {
  readonly name?: string;
  readonly target?: string;
  readonly size?: number;
  readonly sparse?: boolean;
}

const kinds: Readonly<Record<string, TarKind>> = {
  '0': 'a file',
  '\0': 'a file',
  '7': 'a file',
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '5': 'a folder',
  D: 'a folder',
  '6': 'a FIFO',
  S: 'a sparse file',
};

/** Reads a header whose checksum is right. */
export function parseHeader(header: Uint8Array, next: Extended): TarHeader {
  const type = String.fromCharCode(header[156] ?? 0);
  const name = next.name ?? nameOf(header);
  const target = next.target ?? textAt(header, 157, 100);
  // The oldest archives mark a folder by a slash only; links have no contents, whatever their size says.
  const kind = type === '\0' && name.endsWith('/') ? 'a folder' : (kinds[type] ?? 'a special member');
  const own = isExtended(type) ? undefined : next.size; // not of a header between
  const size = kind === 'a hard link' ? 0 : (own ?? numberAt(header, 124, 12));
  return { kind: kind === 'a file' && next.sparse ? 'a sparse file' : kind, type, name, target, size };
}

/** True for the type of a header that says more of the member behind it. */
export function isExtended(type: string): boolean {
  return 'LKxXg'.includes(type);
}

/** True where the sum of a header's bytes, its own field read as blanks, is the one that it says. */
export function isSound(header: Uint8Array): boolean {
  let sum = 8 * 32;
  for (let i = 0; i < header.length; i++) if (i < 148 || i >= 156) sum += header[i] ?? 0;
  return sum === numberAt(header, 148, 8);
}

/**
 * True where another block of GNU's map of a sparse file follows: behind the header, and behind such a block.
 */
export function hasMore(block: Uint8Array, isHeader: boolean): boolean {
  return (block[isHeader ? 482 : 504] ?? 0) !== 0;
}

/**
 * Fields of a pax header: records `<length> <key>=<value>\n`, the length counting itself.
 *
 * @throws ERR_DATASET when a record has another form.
 */
export function paxFields(bytes: Uint8Array, path: string): Extended {
  const fields = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const digits =
      blank < 0 || blank - at > 8 ? '' : Buffer.from(bytes.subarray(at, blank)).toString('latin1');
    const end = /^\d+$/.test(digits) ? at + Number(digits) : 0;
    const equals = bytes.indexOf(0x3d, at);
    if (end > bytes.length || equals < blank || equals >= end || bytes[end - 1] !== 0x0a)
      throw damaged(path, 'has an extended header that cannot be read');
    const text = textOf(bytes.subarray(equals + 1, end - 1));
    fields.set(Buffer.from(bytes.subarray(blank + 1, equals)).toString('latin1'), text);
    at = end;
  }
  const [name, target, size] = [fields.get('path'), fields.get('linkpath'), fields.get('size')];
  const sparse = [...fields.keys()].some((key) => key.startsWith('GNU.sparse.'));
  const own = fields.get('GNU.sparse.name') ?? name;
  return {
    ...(own === undefined ? {} : { name: own }),
    ...(target === undefined ? {} : { target }),
    ...(size === undefined ? {} : { size: /^\d{1,15}$/.test(size) ? Number(size) : Number.NaN }),
    ...(sparse ? { sparse } : {}),
  };
}

/**
 * Text up to the first zero byte: UTF-8, or else each byte a letter, so that names that differ stay
 * different.
 */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const own = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return strict.decode(own);
  } catch {
    return Buffer.from(own).toString('latin1');
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** An error that names the archive and how it is damaged: "is cut off". */
export function damaged(path: string, how: string, hint = 'Copy or make the archive again.'): LmError {
  return new LmError(
    'ERR_DATASET',
    `Expected a sound tar archive for \`${path}\` but received one that ${how}`,
    { hint },
  );
}

function nameOf(header: Uint8Array): string {
  const name = textAt(header, 0, 100);
  const prefix = textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textAt(header: Uint8Array, start: number, length: number): string {
  return textOf(header.subarray(start, start + length));
}

/** Octal digits, or GNU's big-endian binary after a byte of 0x80; NaN when it is neither. */
function numberAt(header: Uint8Array, start: number, length: number): number {
  const field = header.subarray(start, start + length);
  if (((field[0] ?? 0) & 0x80) === 0) {
    const digits = textAt(header, start, length).trim();
    return /^[0-7]*$/.test(digits) ? Number(`0o${digits || '0'}`) : Number.NaN;
  }
  return field.subarray(1).reduce((number, byte) => number * 256 + byte, 0);
}
