/** The reference of every export, made of the declarations. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/libtorch.ts';

interface Member {
  readonly name: string;
  readonly kind: string;
  readonly text: string;
}

interface ApiScript {
  exportsOf(file: string): Member[];
  apiPage(modules: Record<string, readonly Member[]>): string;
}

const { exportsOf, apiPage }: ApiScript = await import(
  fileURLToPath(new URL('../../scripts/api.mjs', import.meta.url))
);

/** Declarations as TypeScript emits them. */
function declarations(text: string): string {
  const folder = join(temporaryFolder(), 'dist');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'other.d.ts'),
    '/** Twice. */\nexport declare function twice(n: number): number;\n',
  );
  writeFileSync(join(folder, 'index.d.ts'), text);
  return join(folder, 'index.d.ts');
}

describe('exportsOf', () => {
  it('finds every export with its comment, also of other files, and tells which have none', () => {
    const file = declarations(`export { twice } from './other.js';
      export interface Bare { readonly n: number }
      /** A name. */ export type Name = 'a' | 'b';
      /** Pi. */ export declare const pi: number;`);
    const found = exportsOf(file).map(({ name, kind, text }) => [name, kind, text]);
    expect(found).toEqual([
      ['Bare', 'interface', ''],
      ['Name', 'type', 'A name.'],
      ['pi', 'constant', 'Pi.'],
      ['twice', 'function', 'Twice.'],
    ]);
  });
});

describe('apiPage', () => {
  it('has the declaration, the tags and the example of an export', () => {
    const file = declarations(`/**
 * Half of a number.
 *
 * @throws ERR_CONFIG for none.
 * @example
 * half(2);
 */
export declare function half(n: number): number;`);
    const page = apiPage({ 'lm-resnet': exportsOf(file) });
    expect(page).toContain(
      '### half\n\nHalf of a number.\n\n```ts\nfunction half(n: number): number;\n```\n\n- *throws* ERR_CONFIG for none.\n\n```ts\nhalf(2);\n```',
    );
  });
});
