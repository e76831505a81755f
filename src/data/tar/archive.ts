/**
 * Tar archives, gzipped or not, of which some files are read into memory: data sets as they are published.
 */
import { withBytes } from '../byteStream.ts';
import { tarSteps } from './tar.ts';
import { damaged } from './tarHeader.ts';

/** A file out of an archive. */
export interface ArchivedFile {
  /** The archive's path and the name inside. */
  readonly path: string;
  /** Name inside the archive. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The largest archive, in bytes when it is unpacked; those of CIFAR have 185 million. */
const maxArchive = 256 * 2 ** 20;
/** Zeros behind the last file of a gzipped archive, in bytes: an archive is filled up to a whole record. */
const maxBehind = 2 ** 20;
const hint = 'Download it again, and compare its checksum with the published one.';

/**
 * Reads files of an archive into memory; the others are passed over.
 *
 * @param wanted whether a file is read, by its name inside.
 * @throws ERR_DATASET naming the archive when it is damaged, cut off, or unpacks to more than 256 MiB;
 *   ERR_FILE when it cannot be read.
 * @example
 * const files = await readArchive('cifar-10-binary.tar.gz', (name) => name.endsWith('.bin'));
 */
export function readArchive(
  path: string,
  wanted: (name: string) => boolean = () => true,
): Promise<ArchivedFile[]> {
  return withBytes(path, hint, async ({ bytes, size, gzipped }) => {
    const found: ArchivedFile[] = [];
    let at = 0;
    const read = async (position: number, length: number): Promise<Buffer> => {
      const reached = at + (await bytes.skip(position - at));
      const part = reached < position ? Buffer.alloc(0) : await bytes.take(length);
      at = reached + part.length;
      return part;
    };
    const steps = tarSteps(path, gzipped ? maxArchive : size);
    for (let step = steps.next(); !step.done; ) {
      const { value } = step;
      if (!('kind' in value)) {
        step = steps.next(await read(value.position, value.length));
        continue;
      }
      const { kind, name, offset, size: length } = value;
      if (kind === 'a file' && wanted(name)) {
        const part = await read(offset, length);
        if (part.length < length)
          throw damaged(path, `is cut off: "${name}" needs ${length} bytes, it has ${part.length}`, hint);
        found.push({ path: `${path}:${name}`, name, bytes: part });
      }
      step = steps.next();
    }
    // To the end, where the checksum of what was unpacked stands.
    if (gzipped && (await bytes.skip(maxBehind)) === maxBehind)
      throw damaged(path, `goes on for ${maxBehind} bytes behind its last file`, hint);
    return found;
  });
}
