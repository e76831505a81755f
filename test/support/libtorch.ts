import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { must } from '../../src/must.ts';
import { usableMinors } from '../../src/setup/binaries.ts';
import { findLibtorch } from '../../src/setup/libtorch.ts';

/** Compiled modules, for child processes and workers: Node 20 does not read TypeScript. */
export const dist: string = fileURLToPath(new URL('../../dist/', import.meta.url));

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lm-resnet-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An environment in which nothing names a libtorch and no Python is found. */
export function emptyEnvironment(folder: string): NodeJS.ProcessEnv {
  return { PATH: join(folder, 'no-programs'), HOME: folder, LM_RESNET_CACHE: join(folder, 'cache') };
}

export interface FakeOptions {
  readonly version?: string;
  /** Which file names the version. */
  readonly versionFile?: 'version.py' | 'build-version' | 'version.h' | 'none';
  readonly libraries?: readonly string[];
  /** Content of the libraries; by default the start of a shared library for this processor. */
  readonly content?: Buffer;
}

export const bothLibraries = ['libc10.so', 'libtorch_cpu.so'] as const;

/** Minor release of libtorch that the addon is built for, the newest if for several. */
export const builtMinor: string = must(usableMinors()[0]);

/** A folder that looks like a libtorch as far as it is examined. */
export function fakeLibtorch(folder: string, options: FakeOptions = {}): string {
  const { version = `${builtMinor}.0+cpu`, versionFile = 'version.py', libraries = bothLibraries } = options;
  mkdirSync(join(folder, 'lib'), { recursive: true });
  for (const name of libraries) writeFileSync(join(folder, 'lib', name), options.content ?? elfHeader());
  writeVersion(folder, version, versionFile);
  return folder;
}

function writeVersion(folder: string, version: string, file: NonNullable<FakeOptions['versionFile']>): void {
  if (file === 'version.py') writeFileSync(join(folder, file), `__version__ = '${version}'\n`);
  if (file === 'build-version') writeFileSync(join(folder, file), `${version}\n`);
  if (file !== 'version.h') return;
  const [major, minor, patch] = version.split('.');
  const headers = join(folder, 'include', 'torch', 'csrc', 'api', 'include', 'torch');
  mkdirSync(headers, { recursive: true });
  const rows = { MAJOR: major, MINOR: minor, PATCH: patch };
  const text = Object.entries(rows).map(([name, value]) => `#define TORCH_VERSION_${name} ${value}\n`);
  writeFileSync(join(headers, 'version.h'), text.join(''));
}

/** The first bytes of a shared library for a processor (this one by default). */
export function elfHeader(arch: string = process.arch): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x7f454c46, 0);
  header.writeUInt16LE(arch === 'arm64' ? 183 : 62, 18);
  return header;
}

/** A folder with the real libtorch's libraries behind links, as an installation of a few bytes that loads. */
export function linkedLibtorch(folder: string, version?: string): string {
  const real = findLibtorch();
  linkLibraries(real.path, folder);
  writeVersion(folder, version ?? real.version, 'version.py');
  return folder;
}

/** A link for each, for an installation may delete some. */
function linkLibraries(path: string, folder: string): void {
  mkdirSync(join(folder, 'lib'), { recursive: true });
  for (const name of readdirSync(join(path, 'lib')).filter((name) => /\.so(\.\d+)*$/.test(name))) {
    symlinkSync(join(path, 'lib', name), join(folder, 'lib', name));
  }
}

/** The real libtorch with libraries of CUDA that do nothing: one with CUDA where there is no driver. */
export function driverlessLibtorch(folder: string): string {
  linkLibraries(findLibtorch().path, folder);
  for (const name of ['libc10_cuda.so', 'libtorch_cuda.so']) stubLibrary(join(folder, 'lib', name), name);
  writeVersion(folder, `${builtMinor}.0+cu130`, 'version.py');
  return folder;
}

/** Compiles a shared library of a given SONAME that has none of libtorch's symbols. */
export function stubLibrary(file: string, soname: string): string {
  const args = ['-shared', '-fPIC', '-x', 'c', '-', `-Wl,-soname,${soname}`, '-o', file];
  execFileSync(process.env.CC ?? 'cc', args, { input: `int lm_stub_${soname.replaceAll(/\W/g, '_')};` });
  return file;
}

/** A folder as examined to be a libtorch that fits whose libraries have no symbols. */
export function stubLibtorch(folder: string): string {
  fakeLibtorch(folder);
  for (const name of bothLibraries) stubLibrary(join(folder, 'lib', name), name);
  return folder;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of ES module text in a child Node. */
export function runNode(program: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
}

/** Runs a program that ends by calling `answer(value)`, and gives the value. */
export async function askNode(program: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const answer =
    "const answer = (value) => process.stdout.write('\\nANSWER ' + JSON.stringify(value) + '\\n');\n";
  const { code, signal, stdout, stderr } = await runNode(answer + program, env);
  const line = /^ANSWER (.*)$/m.exec(stdout)?.[1];
  if (code === 0 && line !== undefined) return JSON.parse(line);
  throw new Error(`the child ended with ${signal ?? code}:\n${stdout}\n${stderr}`);
}
