/** What stands in package.json and package-lock.json, as npm and bundlers read them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const json = (name: string) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));

describe('package.json', () => {
  it('names the same entry in main and types as in exports', () => {
    const { main, types, exports } = json('package.json');
    expect({ types, default: main }).toEqual(exports['.']);
  });
});

describe('package-lock.json', () => {
  const packages = Object.entries<Record<string, unknown>>(json('package-lock.json').packages).filter(
    ([path]) => path !== '',
  );

  it('has the SHA-512 of every package', () => {
    expect(packages.length).toBeGreaterThan(200);
    const bare = packages.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(String(integrity)));
    expect(bare.map(([path]) => path)).toEqual([]);
  });

  it('names no registry, so that each reader takes the packages from their own', () => {
    expect(packages.filter(([, entry]) => 'resolved' in entry).map(([path]) => path)).toEqual([]);
  });
});
