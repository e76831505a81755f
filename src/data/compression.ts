/** How a file is compressed, told by its first bytes. */

const starts: readonly (readonly [string, ...number[]])[] = [
  ['gzip', 0x1f, 0x8b],
  ['bzip2', 0x42, 0x5a, 0x68],
  ['xz', 0xfd, 0x37, 0x7a, 0x58, 0x5a],
  ['zstd', 0x28, 0xb5, 0x2f, 0xfd],
  ['lz4', 0x04, 0x22, 0x4d, 0x18],
  ['zip', 0x50, 0x4b, 0x03, 0x04],
  ['7z', 0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c],
];

/** Name of the program that unpacks a file with these first bytes; null where it is not compressed. */
export function compressionOf(bytes: Uint8Array): string | null {
  return starts.find(([, ...start]) => start.every((byte, i) => bytes[i] === byte))?.[0] ?? null;
}
