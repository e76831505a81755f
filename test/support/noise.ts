/** Bytes of a hash of their place: noise, the same everywhere. */
export function noiseBytes(count: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => {
    const x = Math.imul(i + 1 + 7919 * seed, 0x9e3779b1);
    return Math.imul(x ^ (x >>> 15), 0x85ebca6b) >>> 24;
  });
}
