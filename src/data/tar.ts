/**
 * Members of a tar archive: where their bytes are, without reading them. POSIX ustar and pax, GNU long names and large sizes.
 *
 * @see IEEE Std 1003.1, pax, "ustar Interchange Format"
 */
import { LmError } from '../errors.ts';

/** A file in an archive. */
export interface TarMember {
  readonly name: string;
  /** First byte of its contents in the archive. */
  readonly offset: number;
  readonly size: number;
}

/** An archive: on disk or in memory. */
export interface TarBytes {
  /** Name in messages. */
  readonly path: string;
  readonly size: number;
  /** `length` bytes from a position; fewer where the archive ends. */
  read(position: number, length: number): Uint8Array;
}

const block = 512;

/**
 * Lists the regular files of an archive, in their order.
 *
 * @throws ERR_DATASET naming the archive when it is cut off or damaged.
 * @example
 * for (const { name, offset, size } of tarMembers(archive)) console.log(name, archive.read(offset, size));
 */
export function* tarMembers(archive: TarBytes): Generator<TarMember, void> {
  let position = 0;
  let next: Extended = {};
  while (position < archive.size) {
    const header = archive.read(position, block);
    if (header.length < block) throw damaged(archive, `ends inside the header at byte ${position}`);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header, archive, position);
    const size = next.size ?? numberAt(header, 124, 12);
    if (!Number.isSafeInteger(size))
      throw damaged(archive, `says no size of "${next.name ?? nameOf(header)}" at byte ${position}`);
    const offset = position + block;
    if (offset + size > archive.size)
      throw damaged(
        archive,
        `is cut off: "${next.name ?? nameOf(header)}" needs ${offset + size} bytes, it has ${archive.size}`,
      );
    const type = String.fromCharCode(header[156] ?? 0);
    const text = (): string => Buffer.from(archive.read(offset, size)).toString('utf8');
    position = offset + Math.ceil(size / block) * block;
    if (type === 'L') next = { ...next, name: text().replace(/\0+$/, '') };
    else if (type === 'x') next = { ...next, ...paxFields(text()) };
    else if (type !== 'K' && type !== 'g') {
      if (type === '0' || type === '\0' || type === '7')
        yield { name: next.name ?? nameOf(header), offset, size };
      next = {};
    }
  }
}

/** What a header of its own says of the member behind it. */
interface Extended {
  readonly name?: string;
  readonly size?: number;
}

/** Lines `<length> <key>=<value>`. */
function paxFields(text: string): Extended {
  const path = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1];
  const size = /(?:^|\n)\d+ size=(\d+)\n/.exec(text)?.[1];
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

function nameOf(header: Uint8Array): string {
  const name = textAt(header, 0, 100);
  const prefix = textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textAt(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
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

/** The sum of a header's bytes, its own field read as blanks. */
function checkSum(header: Uint8Array, archive: TarBytes, position: number): void {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== numberAt(header, 148, 8)) throw damaged(archive, `has no header at byte ${position}`);
}

function damaged({ path }: TarBytes, what: string): LmError {
  return new LmError(
    'ERR_DATASET',
    `Expected a sound tar archive for \`${path}\` but received one that ${what}`,
    {
      hint: 'Copy or make the archive again.',
    },
  );
}
