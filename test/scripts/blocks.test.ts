/** The TypeScript of the documents is found, with what a block takes as given. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface BlocksScript {
  blocksOf(page: string): { line: number; code: string }[];
}

const { blocksOf }: BlocksScript = await import(
  fileURLToPath(new URL('../../scripts/blocks.mjs', import.meta.url))
);

describe('blocksOf', () => {
  it('finds the blocks of TypeScript alone, and puts before each what it takes as given', () => {
    const page = [
      '# Page',
      '```ts',
      'one();',
      '```',
      '```sh',
      'npm test',
      '```',
      '<!-- given: declare const x: number; -->',
      '```ts',
      'two(x);',
      '```',
    ].join('\n');
    const found = blocksOf(page).map(({ line, code }) => [line, code.replaceAll('\n', '')]);
    expect(found).toEqual([
      [2, 'one();export {};'],
      [8, 'declare const x: number;two(x);export {};'],
    ]);
  });
});
