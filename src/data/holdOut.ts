/** Which images of a set are held out of the ones to train on. */
import { createHash } from 'node:crypto';
import { expected } from '../errors.ts';
import { readBounded } from '../files.ts';
import type { Split } from './datasets.ts';
import type { HoldOut } from './spec.ts';

/** Labels of a set, and the names of its images where they have some. */
export interface NamedLabels {
  readonly name: string;
  readonly labels: Int32Array;
  readonly names: readonly string[] | null;
}

/**
 * Numbers of the images of a part, ascending: 'test' are the held-out ones, 'train' the others.
 *
 * By fraction: round(fraction · n) images of every class of n, those whose hash with the seed is smallest, so
 * that the choice is the same everywhere. By file: the names it lists, one a line.
 *
 * @throws ERR_DATASET when a part is left without images or the file lists a name that is not there, ERR_FILE
 *   when it cannot be read.
 */
export async function heldOut(set: NamedLabels, holdOut: HoldOut, split: Split): Promise<Int32Array> {
  const out =
    'file' in holdOut ? await listed(set, holdOut.file) : drawn(set, holdOut.fraction, holdOut.seed);
  const part = Int32Array.from(set.labels.keys()).filter((i) => out.has(i) === (split === 'test'));
  if (part.length > 0) return part;
  throw expected('ERR_DATASET', `images in the part "${split}"`, `${set.name}.holdOut`, holdOut);
}

function drawn({ labels }: NamedLabels, fraction: number, seed: number): Set<number> {
  const classes = new Map<number, { i: number; key: string }[]>();
  labels.forEach((label, i) => {
    const key = createHash('sha256').update(`${seed}:${i}`).digest('hex');
    const members = classes.get(label);
    if (members === undefined) classes.set(label, [{ i, key }]);
    else members.push({ i, key });
  });
  const out = new Set<number>();
  for (const members of classes.values()) {
    const count = Math.round(fraction * members.length);
    for (const { i } of members.toSorted((a, b) => (a.key < b.key ? -1 : 1)).slice(0, count)) out.add(i);
  }
  return out;
}

/** The longest list of names, in bytes. */
const maxList = 32 * 2 ** 20;

async function listed({ labels, names, name }: NamedLabels, path: string): Promise<Set<number>> {
  const text = (await readBounded(path, maxList)).toString();
  const places = new Map(
    names === null ? Array.from(labels, (_, i) => [String(i), i]) : names.map((n, i) => [n, i]),
  );
  const out = new Set<number>();
  for (let [at, row] = [0, 1]; at < text.length; row++) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? text.length : end).trim();
    const place = places.get(line);
    if (place !== undefined) out.add(place);
    else if (line !== '') throw expected('ERR_DATASET', `an image of ${name}`, `${path}:${row}`, line);
    at = end < 0 ? text.length : end + 1;
  }
  return out;
}
