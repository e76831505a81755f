import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  binariesProblem,
  carriedMinors,
  findBinaries,
  neededCxx,
  presentBinaries,
  usableMinors,
} from '../../src/setup/binaries.ts';
import { tooOld } from '../../src/setup/platform.ts';
import { libtorchMinors } from '../../src/setup/releases.ts';
import { temporaryFolder } from '../support/libtorch.ts';

const platform = `${process.platform}-${process.arch}`;
const companion = `lm-resnet-${platform}`;

interface Installed {
  /** `needs` of the platform's package; left out: it is not installed. */
  readonly needs?: object;
  readonly files?: readonly string[];
  readonly optional?: Readonly<Record<string, string>>;
}

/** A folder as npm leaves it: the package, and beside it the one of this platform. */
function installed({ needs, files = ['opener.node', 'lm_resnet-2.13.so'], optional }: Installed): string {
  const modules = join(temporaryFolder(), 'node_modules');
  const manifest = (name: string, rest: object): string => {
    mkdirSync(join(modules, name), { recursive: true });
    writeFileSync(join(modules, name, 'package.json'), JSON.stringify({ name, version: '1.2.3', ...rest }));
    return join(modules, name);
  };
  const root = manifest('lm-resnet', optional === undefined ? {} : { optionalDependencies: optional });
  if (needs === undefined) return root;
  const folder = join(manifest(companion, { needs }), 'prebuilds', platform);
  mkdirSync(folder, { recursive: true });
  for (const name of files) writeFileSync(join(folder, name), '');
  return root;
}

describe('findBinaries', () => {
  it('takes those of the package for this platform, and knows what they need', () => {
    const root = installed({ needs: { glibc: '2.2', glibcxx: '3.4.30' } });
    expect(findBinaries(root).opener).toMatch(`${companion}/prebuilds/${platform}/opener.node`);
    expect([binariesProblem(root), neededCxx(root)]).toEqual([null, 'GLIBCXX_3.4.30']);
  });

  it('takes a build of this folder before them', () => {
    const root = installed({ needs: {} });
    mkdirSync(join(root, 'build', 'Release'), { recursive: true });
    for (const name of ['opener.node', 'lm_resnet-2.14.so'])
      writeFileSync(join(root, 'build', 'Release', name), '');
    expect(findBinaries(root).addons).toEqual({
      '2.14': join(root, 'build', 'Release', 'lm_resnet-2.14.so'),
    });
    expect(neededCxx(root)).toBeNull();
  });

  it.each([
    [['lm_cuda.so'], /lm_cuda\.so$/],
    [[], /^null$/],
  ])('knows whether there are kernels of CUDA: %j', (more, kernels) => {
    const root = installed({ needs: {}, files: ['opener.node', 'lm_resnet-2.13.so', ...more] });
    expect(String(findBinaries(root).kernels)).toMatch(kernels);
  });

  it('knows the libraries of NCCL by the libtorch that they are for', () => {
    const own = ['lm_nccl-2.13.so', 'lm_nccl.so', 'lm_cuda_graphs-2.13.so'];
    const files = ['opener.node', 'lm_resnet-2.13.so', ...own];
    const { addons, graphs, nccl } = findBinaries(installed({ needs: {}, files }));
    expect(Object.keys(addons)).toEqual(['2.13']);
    expect(graphs).toEqual({ '2.13': expect.stringMatching(/lm_cuda_graphs-2\.13\.so$/) });
    expect(nccl).toEqual({ '2.13': expect.stringMatching(/lm_nccl-2\.13\.so$/) });
  });

  it.each([
    [
      ['lm_resnet-2.9.so', 'lm_resnet-2.13.so', 'lm_resnet-2.14.so'],
      ['2.14', '2.13', '2.9'],
    ],
    [['lm_resnet.so', 'lm_resnet-2.13.so.tmp', 'lm_resnet-2.13.so', 'other-2.14.so'], ['2.13']],
  ])('knows from %j that there are addons for libtorch %j', (files, minors) => {
    const root = installed({ needs: {}, files: ['opener.node', ...files] });
    expect([carriedMinors(root), usableMinors(root)]).toEqual([minors, minors]);
  });

  it('takes any libtorch that the sources are for before a build', () => {
    const root = installed({});
    expect([carriedMinors(root), usableMinors(root)]).toEqual([[], libtorchMinors]);
  });

  it.each<[string, Installed, RegExp]>([
    ['the system is too old', { needs: { glibc: '99.1' } }, /needs glibc >= 99\.1 and this system has \d/],
    [
      'the package for this platform was left out',
      { optional: { [companion]: '1.2.3' } },
      new RegExp(`npm install ${companion}@1\\.2\\.3`),
    ],
    ['there is none for it', { optional: { 'lm-resnet-plan9-mips': '1.2.3' } }, /binaries for plan9-mips/],
    ['a clone is not built', {}, /Build it: `node scripts\/build\.mjs`/],
    ['the addon is missing', { needs: {}, files: ['opener.node'] }, /addon is missing: .*lm_resnet-/],
  ])('is ERR_ADDON_MISSING and says what to do when %s', (_, options, text) => {
    const root = installed(options);
    expect(() => findBinaries(root)).toThrow(expect.objectContaining({ code: 'ERR_ADDON_MISSING' }));
    expect(binariesProblem(root)).toMatch(text);
    expect(presentBinaries(root)).toMatchObject({ addons: {}, graphs: {}, nccl: {} });
  });
});

describe('tooOld', () => {
  it.each([
    ['2.9', '2.34', true],
    ['2.34', '2.34', false],
    ['2.36', '2.34', false],
    ['3.0', '2.34', false],
  ])('compares %s with %s by number', (found, needed, old) => {
    expect(tooOld(found, needed)).toBe(old);
  });
});
