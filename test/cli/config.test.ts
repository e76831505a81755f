/** Configuration files that are small to write and large, deep or long to read. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/cli/config.ts';
import { LmError } from '../../src/errors.ts';
import { temporaryFolder } from '../support/folder.ts';

const lists = (names: string, each: number): string =>
  [...names]
    .map((name, i) => `${name}: &${name} [${new Array(each).fill(i === 0 ? 'x' : `*${names[i - 1]}`)}]`)
    .join('\n');

async function read(text: string): Promise<unknown> {
  const path = join(await temporaryFolder(), 'train.yaml');
  await writeFile(path, text);
  return readConfig(path, ['data', 'lr']).catch((error: unknown) => error);
}

describe('a configuration file', () => {
  it.each([
    ['YAML', 'data: mnist:DIR\nlr: 0.1\n'],
    ['JSON', '{ "data": "mnist:DIR", "lr": 0.1 }'],
    ['YAML that begins like JSON', '{ data: "mnist:DIR", lr: 0.1 }'],
  ])('is read as %s', async (_, text) => {
    expect(await read(text)).toEqual({ data: 'mnist:DIR', lr: 0.1 });
  });

  it('may have many names, as JSON', async () => {
    const data = { kind: 'webDataset', classNames: Array.from({ length: 21_841 }, (_, i) => `class ${i}`) };
    expect(await read(JSON.stringify({ data }))).toEqual({ data });
  });

  it.each<[string, string]>([
    ['aliases that multiply', lists('abcdefghi', 10)],
    ['an alias of itself', 'data: &a [*a]'],
    ['JSON that is 10,000 deep', '{"data":'.repeat(10_000)],
    ['YAML that is 10,000 deep', `data: ${'['.repeat(10_000)}`],
    ['YAML that is 200 deep', `data: ${'['.repeat(200)}${']'.repeat(200)}`],
    ['dashes in a row', '- '.repeat(15_000)],
    ['more YAML than is read', `data:\n${'  - a\n'.repeat(6000)}`],
    ['closing braces', '}'.repeat(32_000)],
    ['brackets that do not match', '{[}]'.repeat(8000)],
    ['several documents', '---\ndata: 1\n'.repeat(2)],
    ['no options', 'a text'],
    ['a key that is a map', '? { data: 1 }\n: 2'],
    ['a tag of 30,000 letters', '!'.repeat(30_000)],
  ])('is refused in a short message: %s', async (_, text) => {
    const error = await read(text);
    expect(error).toBeInstanceOf(LmError);
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    expect((error as LmError).message.length).toBeLessThan(4100);
  });
});
