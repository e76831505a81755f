/**
 * WebDataset: tar shards in which the files of a sample follow each other and share a name up to its first
 * dot.
 */
import { setImmediate } from 'node:timers/promises';
import { firstFew, LmError } from '../../errors.ts';
import { isImageEnding } from '../../images/imageFile.ts';
import type { FileStamp } from '../../native/binding.ts';
import { isHiddenPath } from '../hidden.ts';
import { expandPath } from './braces.ts';
import { openShard } from './shardFile.ts';
import { type TarBytes, type TarEntry, type TarMember, tarEntries } from './tar.ts';
import { linkFollower } from './tarLinks.ts';

/** Where the images of shards are. */
export interface ShardIndex {
  readonly files: readonly FileStamp[];
  /** As `NativeSourceSpec` has it. */
  readonly table: Float64Array;
  readonly labels: Int32Array;
  /** Names of the images inside their shards. */
  readonly names: readonly string[];
}

/** The largest image file that is read, in bytes. */
const maxImage = 2 ** 30;
/** Headers that are read before other work gets its turn. */
const headersAtOnce = 2000;

/**
 * Finds the images and labels of local shards; reads headers and labels only.
 *
 * @throws ERR_DATASET naming the shard and sample: cut off, an image without label or the other way round, a
 *   label that is no number; ERR_FILE when a shard is missing or must not be read.
 * @example
 * const { labels } = await indexShards('train-{000..146}.tar');
 */
export async function indexShards(path: string | readonly string[]): Promise<ShardIndex> {
  const paths = await shardPaths(path);
  const rows: number[] = [];
  const labels: number[] = [];
  const names: string[] = [];
  const files: FileStamp[] = [];
  for (const [number, path] of paths.entries()) {
    const shard = openShard(path);
    try {
      files.push(shard.stamp);
      for await (const { image, label } of samplesOf(shard)) {
        rows.push(number, image.offset, image.size, 0, 0);
        labels.push(label);
        names.push(image.name);
      }
    } finally {
      shard.close();
    }
    if (rows.at(-5) !== number)
      throw wrong(path, 'no sample', 'A sample is a pair such as 0001.jpg and 0001.cls.');
  }
  return { files, table: Float64Array.from(rows), labels: Int32Array.from(labels), names };
}

/** The shards that a pattern, or several, stand for. */
export async function shardPaths(path: string | readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  for (const pattern of typeof path === 'string' ? [path] : path) paths.push(...(await expandPath(pattern)));
  return paths;
}

interface ShardSample {
  readonly image: TarMember;
  readonly label: number;
}

/** Members of one key that follow each other. */
interface Group {
  readonly key: string;
  readonly members: TarEntry[];
}

async function* samplesOf(archive: TarBytes): AsyncGenerator<ShardSample, void> {
  const follow = linkFollower(archive);
  let group: Group | undefined;
  let read = 0;
  for (const entry of tarEntries(archive)) {
    if (++read % headersAtOnce === 0) await setImmediate();
    if (isHiddenPath(entry.name)) continue;
    const key = keyOf(entry.name);
    if (group?.key === key) group.members.push(entry);
    else {
      if (group !== undefined) yield await sampleOf(archive, group, follow);
      group = { key, members: [entry] };
    }
  }
  if (group !== undefined) yield await sampleOf(archive, group, follow);
}

async function sampleOf(
  archive: TarBytes,
  { key, members }: Group,
  follow: (entry: TarEntry) => Promise<TarEntry | null>,
): Promise<ShardSample> {
  const image = members.find(({ name }) => isImageEnding(endOf(name)));
  const label = members.find(({ name }) => endOf(name).toLowerCase() === 'cls');
  const ends = firstFew(members.map(({ name }) => `.${endOf(name)}`));
  if (image === undefined)
    throw wrong(
      archive.path,
      `"${key}" with ${ends} and no image`,
      'Images are .jpg, .jpeg, .png or .webp files.',
    );
  if (label === undefined)
    throw wrong(
      archive.path,
      `"${key}" with ${ends} and no .cls`,
      'The class of an image is a number in a .cls file.',
    );
  if (image.size > maxImage)
    throw wrong(archive.path, `"${image.name}" of ${image.size} bytes`, 'No image file has more than 1 GiB.');
  const [pixels, number] = [await fileOf(archive, image, follow), await fileOf(archive, label, follow)];
  const text = Buffer.from(archive.read(number.offset, Math.min(number.size, 32)))
    .toString('utf8')
    .trim();
  if (/^\d{1,9}$/.test(text)) return { image: { ...pixels, name: image.name }, label: Number(text) };
  throw wrong(archive.path, `"${key}" with the class "${text}"`, 'A .cls file holds one number from 0.');
}

/** The file that a member is or leads to. */
async function fileOf(
  archive: TarBytes,
  entry: TarEntry,
  follow: (entry: TarEntry) => Promise<TarEntry | null>,
): Promise<TarEntry> {
  const found = await follow(entry);
  if (found?.kind === 'a file') return found;
  const leads = entry.target === '' ? '' : ` to "${entry.target}"`;
  const where = found === null ? ', which is no file of the archive' : '';
  const hint =
    'Make the archive of the files themselves: tar --dereference --hard-dereference, without --sparse.';
  throw wrong(archive.path, `"${entry.name}", ${entry.kind}${leads}${where}`, hint);
}

/** The name up to the first dot behind the last slash. */
function keyOf(name: string): string {
  return name.replace(/^(.*\/)?([^/.]*).*$/s, '$1$2');
}

/** What stands behind that dot. */
function endOf(name: string): string {
  return name.slice(keyOf(name).length + 1);
}

function wrong(path: string, received: string, hint: string): LmError {
  return new LmError(
    'ERR_DATASET',
    `Expected pairs of image and class for \`${path}\` but received ${received}`,
    { hint },
  );
}
