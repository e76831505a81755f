/** Paths with braces and stars: `train-{000..146}.tar`, `{a,b}/*.tar`. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expected } from '../../errors.ts';
import { fileError } from '../../files.ts';
import { must } from '../../must.ts';
import { isHidden } from '../hidden.ts';

/** The most paths that a pattern may stand for. */
const mostPaths = 100_000;
/** The most letters of all its paths, about. */
const maxLetters = 2 ** 25;
/** The longest number in braces, in digits. */
const maxDigits = 15;
/** The longest pattern, in letters: that of a path. */
const maxLength = 4096;

/**
 * The paths that a pattern stands for: braces are written out in their order, stars are looked up and sorted.
 *
 * @throws ERR_DATASET when a star matches nothing, braces are nested or wrong, or there are more than 100,000
 *   paths; ERR_FILE when its folder cannot be read.
 * @example
 * await expandPath('shard-{00..02}.tar'); // ['shard-00.tar', 'shard-01.tar', 'shard-02.tar']
 */
export async function expandPath(pattern: string): Promise<string[]> {
  if (pattern.length > maxLength)
    throw expected('ERR_DATASET', `a pattern of at most ${maxLength} letters`, 'path', pattern, {
      hint: 'Give several patterns as a list.',
    });
  const found: string[] = [];
  for (const path of writtenOut(pattern)) {
    for (const one of path.includes('*') ? await lookedUp(path) : [path]) found.push(one);
    checkCount(found.length, pattern);
  }
  return found;
}

function writtenOut(pattern: string): string[] {
  // Text, inside of braces, text, …: every other part is written out.
  const parts = pattern.split(/\{([^{}]*)\}/);
  // Braces around braces leave one open beside those that are written out.
  if (parts.length > 1 && parts.some((part, i) => i % 2 === 0 && part.includes('{')))
    throw expected('ERR_DATASET', 'braces that are not nested', 'path', pattern);
  const choices = parts.map((part, i) => (i % 2 === 1 ? alternatives(part) : [part]));
  checkCount(
    choices.reduce((product, { length }) => product * length, 1),
    pattern,
  );
  return choices.reduce((paths, choice) => paths.flatMap((path) => choice.map((part) => path + part)), ['']);
}

function checkCount(count: number, pattern: string): void {
  if (count > mostPaths || count * pattern.length > maxLetters)
    throw expected('ERR_DATASET', `a pattern for at most ${mostPaths} shards`, 'path', pattern, {
      hint: 'Name fewer shards, or give several patterns as a list.',
    });
}

/** `000..146` keeps the width of its ends; `a,b`. */
function alternatives(inside: string): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(inside);
  if (range === null) return inside.split(',');
  const [, first = '', last = ''] = range;
  const count = Number(last) - Number(first) + 1;
  if (!(count >= 1 && count <= mostPaths && Math.max(first.length, last.length) <= maxDigits))
    throw expected('ERR_DATASET', 'a range such as 000..146', 'path', `{${inside}}`, {
      hint: `Write it from the lower to the higher number, at most ${mostPaths} of them.`,
    });
  const width = first.startsWith('0') || first.length === last.length ? first.length : 0;
  return Array.from({ length: count }, (_, i) => String(Number(first) + i).padStart(width, '0'));
}

async function lookedUp(path: string): Promise<string[]> {
  const folder = dirname(path);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw fileError(cause, 'a folder of shards', folder);
  });
  const parts = basename(path).split('*');
  const found = names
    .filter((name) => !(parts[0] === '' && isHidden(name)) && matches(name, parts))
    .toSorted();
  if (found.length === 0)
    throw expected('ERR_DATASET', 'at least one file', path, 'none that matches', {
      hint: 'Check the folder and the stars of the pattern.',
    });
  return found.map((name) => join(folder, name));
}

/** Whether a name is these parts in their order, with anything between them. */
function matches(name: string, parts: readonly string[]): boolean {
  const [first, ...rest] = [must(parts[0]), ...parts.slice(1)];
  const last = must(rest.pop());
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const place = name.indexOf(part, at);
    if (place < 0 || place + part.length > end) return false;
    at = place + part.length;
  }
  return true;
}
