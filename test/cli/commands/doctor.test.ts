import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addDoctor } from '../../../src/cli/commands/doctor.ts';
import { addSetup } from '../../../src/cli/commands/setup.ts';
import { presentBinaries } from '../../../src/setup/binaries.ts';
import { diagnose, type Report } from '../../../src/setup/doctor.ts';
import { findLibtorch } from '../../../src/setup/libtorch.ts';
import { probeLibtorch } from '../../../src/setup/probe.ts';
import { formatReport } from '../../../src/setup/report.ts';
import { cli } from '../../support/cli.ts';
import {
  driverlessLibtorch,
  emptyEnvironment,
  fakeLibtorch,
  stubLibtorch,
  temporaryFolder,
} from '../../support/libtorch.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a command prints to standard output. */
async function run(...args: string[]): Promise<string> {
  const print = vi
    .spyOn(console, 'log')
    .mockClear()
    .mockImplementation(() => {});
  const program = new Command('lm-resnet').exitOverride();
  addDoctor(program);
  addSetup(program);
  await program.parseAsync(args, { from: 'user' });
  return print.mock.calls.flat().join('\n');
}

describe('diagnose', () => {
  it('finds this machine ready', async () => {
    const report = await diagnose();
    expect(report).toMatchObject({ ok: true, libtorch: { path: findLibtorch().path } });
    expect(report.load).toMatchObject({ ok: true, problem: null, openmp: [expect.stringContaining('omp')] });
    expect(report.carries).toContain(report.libtorch?.minor);
    expect(formatReport(report)).toMatch(/^addon [\d.]+ +\S+ \(is used\)$/m);
    expect(report.cpu.available).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  const bad: [string, (folder: string) => string, Partial<Report>][] = [
    [
      'a wrong version',
      (folder) => fakeLibtorch(folder, { version: '2.12.0' }),
      { libtorch: null, load: null },
    ],
    ['libraries that do not open', (folder) => fakeLibtorch(folder), {}],
    ['libraries without symbols', (folder) => stubLibtorch(folder), {}],
    ['a folder that is not there', (folder) => `${folder}/not`, { libtorch: null, load: null }],
  ];
  it.each(bad)('takes %s for a finding', async (_, make, expected) => {
    const report = await diagnose({ libtorch: make(temporaryFolder()) });
    expect(report).toMatchObject({ ok: false, ...expected });
    expect(report.advice.length).toBeGreaterThan(0);
    expect(formatReport(report)).toContain(report.advice[0]);
  });

  it('tells that there is CUDA but no driver', async () => {
    const env = { ...process.env, PATH: '/nothing' };
    const report = await diagnose({ libtorch: driverlessLibtorch(temporaryFolder()), env });
    expect(report).toMatchObject({ ok: true, gpus: [], libtorch: { flavour: 'cuda' } });
    expect(report.advice).toEqual([expect.stringContaining('no driver')]);
  });

  it('works on a machine with nothing on it', async () => {
    const report = await diagnose({ env: emptyEnvironment(temporaryFolder()) });
    expect(report).toMatchObject({ ok: false, libtorch: null, load: null, gpus: [] });
    expect(Object.values(report.tools)).toEqual(Object.values(report.tools).map(() => null));
    expect(formatReport(report)).toContain('lm-resnet setup');
  });
});

describe('probeLibtorch', () => {
  const { opener = '' } = presentBinaries();

  it('opens libtorch alone where there is no addon yet', async () => {
    const { libraries } = findLibtorch();
    expect(await probeLibtorch({ libraries, opener })).toMatchObject({ ok: true, info: null });
  });

  it.each([
    ['a library that is missing', { libraries: ['/does/not/exist.so'], opener }],
    ['an opener that is missing', { libraries: [], opener: '/does/not/exist.node' }],
    ['an addon that is missing', { libraries: [], opener, addon: '/does/not/exist.so' }],
    ['too little time', { libraries: [], opener, timeoutSeconds: 0.001 }],
  ])('reports %s', async (_, options) => {
    expect(await probeLibtorch(options)).toMatchObject({ ok: false, problem: expect.any(String) });
  });
});

describe('the commands', () => {
  it('doctor prints the report and ends with an exit code, which is that of this command alone', async () => {
    const there = { code: 0, stdout: expect.stringContaining(findLibtorch().path) };
    expect(await cli(['doctor'])).toMatchObject(there);
    expect(await cli(['doctor', '--libtorch', '/does/not/exist'])).toMatchObject({
      code: 5,
      stdout: expect.stringContaining('/does/not/exist'),
    });
    expect(await cli(['doctor'])).toMatchObject(there);
    expect(process.exitCode).toBeUndefined();
  });

  it('doctor --json prints JSON', async () => {
    expect(JSON.parse(await run('doctor', '--json'))).toMatchObject({ ok: true });
  });

  it('setup --dry-run prints the commands', async () => {
    expect(await run('setup', '--dry-run', '--libtorch', '2.14')).toContain('torch-2.14.1-cpu.txt');
    expect(JSON.parse(await run('setup', '--dry-run', '--cuda', '--json'))).toMatchObject({
      installed: false,
    });
  });
});
