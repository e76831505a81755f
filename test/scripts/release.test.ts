/** The scripts that make the published packages. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/libtorch.ts';

interface BinaryScript {
  binariesIn(folder: string, minors: readonly string[]): string[];
  floorsOf(files: readonly string[]): { glibc: string; glibcxx?: string };
}

const script = (name: string): string =>
  fileURLToPath(new URL(`../../scripts/release/${name}`, import.meta.url));
const { binariesIn, floorsOf }: BinaryScript = await import(script('binary.mjs'));

interface ReleaseScript {
  checkVersion(version: string, current: string): void;
  releasedChangelog(text: string, version: string, date: string): string;
}

interface PlatformsScript {
  platforms: Record<string, { proven: boolean }>;
}

interface PackScript {
  repositoryOf(env: NodeJS.ProcessEnv): { repository?: { type: string; url: string } };
}

interface SbomScript {
  sbom(): { components: { name: string }[]; serialNumber?: string };
}

const { checkVersion, releasedChangelog }: ReleaseScript = await import(script('release.mjs'));
const { platforms }: PlatformsScript = await import(script('platforms.mjs'));
const { repositoryOf }: PackScript = await import(script('pack.mjs'));
const { sbom }: SbomScript = await import(script('sbom.mjs'));

interface Step {
  readonly if?: string;
  readonly run: string;
}

const workflow = () =>
  parse(readFileSync(new URL('../../.github/workflows/release.yml', import.meta.url), 'utf8'));

/** The steps of all jobs of the workflow that run commands. */
const commands = (): Step[] =>
  Object.values<{ steps: Step[] }>(workflow().jobs)
    .flatMap(({ steps }) => steps)
    .filter(({ run }) => run !== undefined);

/** A shared library of C text, linked with more arguments. */
function library(source: string, ...args: string[]): string {
  const file = join(temporaryFolder(), 'lm_resnet.so');
  execFileSync(
    process.env.CC ?? 'cc',
    ['-shared', '-fPIC', '-x', 'c', '-', '-x', 'none', '-o', file, ...args],
    { input: source },
  );
  return file;
}

describe('floorsOf', () => {
  const memcpy = '#include <string.h>\nvoid lm_copy(void *a, void *b, unsigned long n) { memcpy(a, b, n); }';

  it('is the newest version among the symbols that are imported', () => {
    // memcpy is GLIBC_2.14 on x86-64 and GLIBC_2.17 on arm64.
    const expected = process.arch === 'x64' ? '2.14' : '2.17';
    expect(floorsOf([library(memcpy, '-s', '-O0', '-fno-builtin', '-lc')])).toMatchObject({
      glibc: expected,
    });
  });

  it.each<[string, string, string[], RegExp]>([
    ['is not stripped', memcpy, ['-lc'], /not stripped/],
    [
      'shows a codec to others',
      'int png_create_read_struct(void) { return 1; }',
      ['-s'],
      /codecs.*png_create/,
    ],
  ])('refuses a binary that %s', (_, source, args, text) => {
    expect(() => floorsOf([library(source, ...args)])).toThrow(text);
  });

  it('refuses a binary that needs a library which a machine may lack', () => {
    const other = library('int lm_other;', '-Wl,-soname,libjpeg.so.62');
    expect(() => floorsOf([library(memcpy, '-s', '-Wl,--no-as-needed', other)])).toThrow(
      /needs libjpeg\.so\.62/,
    );
  });
});

describe('binariesIn', () => {
  it('refuses a folder that lacks the addon for one libtorch', () => {
    const folder = join(temporaryFolder(), 'prebuilds');
    mkdirSync(folder);
    for (const name of ['opener.node', 'lm_resnet-2.13.so']) writeFileSync(join(folder, name), '');
    expect(binariesIn(folder, ['2.13'])).toHaveLength(2);
    writeFileSync(join(folder, 'lm_cuda.so'), '');
    expect(binariesIn(folder, ['2.13']).at(-1)).toBe(join(folder, 'lm_cuda.so'));
    const own = ['lm_cuda_graphs-2.13.so', 'lm_nccl-2.13.so'];
    for (const name of [...own, 'lm_nccl-2.12.so']) writeFileSync(join(folder, name), '');
    expect(binariesIn(folder, ['2.13']).slice(2)).toEqual(
      ['lm_cuda.so', ...own].map((name) => join(folder, name)),
    );
    expect(() => binariesIn(folder, ['2.14', '2.13'])).toThrow(/No prebuilt binary: .*lm_resnet-2\.14\.so$/);
  });
});

describe('npm pack in the root folder', () => {
  it.each([
    ['is refused, for it would have no binary', undefined, 1],
    ['may be tried', 'true', 0],
  ])('%s', (_, dryRun, status) => {
    const env = { ...process.env, npm_config_dry_run: dryRun };
    expect(spawnSync(process.execPath, [script('prepack.mjs')], { env })).toMatchObject({ status });
  });
});

describe('a release', () => {
  it.each([
    ['0.2.0', '0.1.9', /^none$/],
    ['0.1.10', '0.1.9', /^none$/],
    ['0.1.9', '0.1.9', /after 0\.1\.9/],
    ['0.0.99', '0.1.9', /after 0\.1\.9/],
    ['v1', '0.1.9', /such as 1\.2\.3/],
  ])('of %s after %s is taken or refused', async (version, current, refusal) => {
    expect(await codeOf(() => checkVersion(version, current))).toMatch(refusal);
  });

  it('gives the changes their heading, and keeps an empty "Unreleased" on top', () => {
    const text = '# Changelog\n\n## Unreleased\n\n- Add x.\n\n## 0.1.0 - 2026-01-01\n\n- Add all.\n';
    expect(releasedChangelog(text, '0.2.0', '2026-02-01')).toBe(
      '# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-02-01\n\n- Add x.\n\n## 0.1.0 - 2026-01-01\n\n- Add all.\n',
    );
  });

  it.each([
    ['no heading', '# Changelog\n', /no heading/],
    ['nothing to release', '## Unreleased\n\n## 0.1.0\n\n- Add all.\n', /nothing to release/],
  ])('is refused where the changelog has %s', (_, text, refused) => {
    expect(() => releasedChangelog(text, '0.2.0', '2026-02-01')).toThrow(refused);
  });

  it('is built for every platform of the table by the workflow', () => {
    const { include } = workflow().jobs.binaries.strategy.matrix;
    const built = include.map(({ platform, proven }: { platform: string; proven: boolean }) => [
      platform,
      proven,
    ]);
    expect(built).toEqual(Object.entries(platforms).map(([name, { proven }]) => [name, proven]));
  });

  it('is made by scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const named = commands().flatMap(({ run }) =>
      [...run.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name),
    );
    expect(named).toContain('release:pack');
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });

  it('is published for a tag alone, from files that npm cannot take for repositories', () => {
    const publishing = commands().filter(({ run }) => run.includes('npm publish'));
    expect(publishing).toHaveLength(1);
    const [{ if: condition, run }] = publishing as [Step];
    expect(condition).toBe("github.ref_type == 'tag'");
    const files = /for file in (.+?); do/.exec(run)?.[1]?.split(' ');
    expect(files).toEqual([expect.stringMatching(/^\.\//), expect.stringMatching(/^\.\//)]);
  });

  it.each([
    [
      'that of the workflow',
      { GITHUB_SERVER_URL: 'https://git.example', GITHUB_REPOSITORY: 'a/b' },
      'git+https://git.example/a/b.git',
    ],
    ['none elsewhere', {}, undefined],
  ])('names the repository which its provenance is held to: %s', (_, env, url) => {
    expect(repositoryOf(env).repository?.url).toBe(url);
  });

  it('has a bill of materials with what users get and what is linked in, the same every time', () => {
    const first = sbom();
    const { components, serialNumber } = first;
    const names = components.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['fastify', 'zlib', 'libpng', 'libjpeg-turbo', 'cuda-runtime']),
    );
    expect(names).not.toContain('vitest');
    expect(serialNumber).toBeUndefined();
    expect(sbom()).toEqual(first);
  });
});
