/** Paths with braces and stars: `train-{000..146}.tar`, `{a,b}/*.tar`. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expected } from '../errors.ts';
import { fileError } from '../files.ts';

/**
 * The paths that a pattern stands for: braces are written out in their order, stars are looked up and sorted.
 *
 * @throws ERR_DATASET when a star matches nothing or braces are nested or wrong, ERR_FILE when its folder cannot be read.
 * @example
 * await expandPath('shard-{00..02}.tar'); // ['shard-00.tar', 'shard-01.tar', 'shard-02.tar']
 */
export async function expandPath(pattern: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of writtenOut(pattern)) found.push(...(path.includes('*') ? await lookedUp(path) : [path]));
  return found;
}

function writtenOut(pattern: string): string[] {
  const [, before, inside = '', after = ''] = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(pattern) ?? [];
  if (before === undefined) return [pattern];
  if (before.includes('{')) throw expected('ERR_DATASET', 'braces that are not nested', 'path', pattern);
  return alternatives(inside).flatMap((part) => writtenOut(`${before}${part}${after}`));
}

/** `000..146` keeps the width of its ends; `a,b`. */
function alternatives(inside: string): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(inside);
  if (range === null) return inside.split(',');
  const [, first = '', last = ''] = range;
  const count = Number(last) - Number(first) + 1;
  if (count < 1 || count > 1e6)
    throw expected('ERR_DATASET', 'a range such as 000..146', 'path', `{${inside}}`);
  const width = first.startsWith('0') || first.length === last.length ? first.length : 0;
  return Array.from({ length: count }, (_, i) => String(Number(first) + i).padStart(width, '0'));
}

async function lookedUp(path: string): Promise<string[]> {
  const folder = dirname(path);
  const names = await readdir(folder).catch((cause: unknown) => {
    throw fileError(cause, 'a folder of shards', folder);
  });
  const parts = basename(path)
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const matches = new RegExp(`^${parts.join('.*')}$`, 's');
  const found = names.filter((name) => matches.test(name)).toSorted();
  if (found.length === 0) throw expected('ERR_DATASET', 'at least one file', path, 'none that matches');
  return found.map((name) => join(folder, name));
}
