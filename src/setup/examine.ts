/** Looks at a folder and says which libtorch it holds, without opening a library. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { anyOf, libtorchMinors, minorOf } from './releases.ts';

export const flavours = ['cpu', 'cuda'] as const;

export type Flavour = (typeof flavours)[number];

/** A usable libtorch folder. */
export interface LibtorchFolder {
  /** Holds `lib/` and `include/`. */
  readonly path: string;
  /** Such as "2.13.0+cpu". */
  readonly version: string;
  /** Such as "2.13". */
  readonly minor: string;
  readonly flavour: Flavour;
  /** Absolute paths, in the order in which they are to be opened. */
  readonly libraries: readonly string[];
}

export type Examination =
  | { readonly fits: true; readonly folder: LibtorchFolder }
  | { readonly fits: false; readonly fault: 'missing' | 'broken' | 'version'; readonly reason: string };

const required = ['libc10.so', 'libtorch_cpu.so'] as const;

/**
 * Opening order: what a library needs comes before it. The CUDA pair is there in CUDA builds only.
 * libtorch.so has nothing of its own.
 */
const openingOrder = ['libc10.so', 'libtorch_cpu.so', 'libc10_cuda.so', 'libtorch_cuda.so'] as const;

/** ELF machine numbers by Node's name of the processor. */
const machines: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/** Files that name the version, most reliable first. The last two are headers, of new and of old releases. */
const versionFiles: readonly (readonly [string, (text: string) => string | undefined])[] = [
  ['version.py', (text) => /^__version__\s*=\s*['"]([^'"]+)/m.exec(text)?.[1]],
  ['build-version', (text) => /^\d+\.\d+\S*/.exec(text.trim())?.[0]],
  ['include/torch/headeronly/version.h', headerVersion],
  ['include/torch/csrc/api/include/torch/version.h', headerVersion],
];

/**
 * Examines a folder: the `torch/` of a wheel, a site-packages folder that holds it, or an unpacked libtorch.
 * Checks the version, which must be of one of the `minors`, and the files; whether the libraries open is seen
 * when they are opened.
 */
export function examineLibtorch(folder: string, minors: readonly string[] = libtorchMinors): Examination {
  try {
    return examine(resolve(folder), minors);
  } catch (error) {
    return refuse(
      'broken',
      `${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function examine(given: string, minors: readonly string[]): Examination {
  if (!isFolder(given)) {
    return refuse('missing', existsSync(given) ? `${given} is not a folder` : `${given} does not exist`);
  }
  const path = [given, join(given, 'torch'), join(given, 'libtorch')].find(holdsLibtorch) ?? given;
  const version = readVersion(path);
  if (version === null) {
    return refuse('broken', `${path} is no libtorch: it has neither version.py, build-version nor version.h`);
  }
  if (!minors.includes(minorOf(version))) {
    return refuse('version', `${path} is libtorch ${version}; this package needs ${anyOf(minors)}`);
  }
  const fault = required.map((name) => libraryFault(join(path, 'lib', name))).find((text) => text !== null);
  return fault === undefined ? { fits: true, folder: describe(path, version) } : refuse('broken', fault);
}

function describe(path: string, version: string): LibtorchFolder {
  const present = openingOrder.map((name) => join(path, 'lib', name)).filter((file) => existsSync(file));
  const cuda = present.some((file) => file.endsWith('libtorch_cuda.so'));
  return { path, version, minor: minorOf(version), flavour: cuda ? 'cuda' : 'cpu', libraries: present };
}

function holdsLibtorch(folder: string): boolean {
  return readVersion(folder) !== null || existsSync(join(folder, 'lib', 'libtorch_cpu.so'));
}

function readVersion(folder: string): string | null {
  for (const [name, parse] of versionFiles) {
    const file = join(folder, name);
    const version = existsSync(file) ? parse(readFileSync(file, 'utf8')) : undefined;
    if (version !== undefined) return version;
  }
  return null;
}

function headerVersion(text: string): string | undefined {
  const part = (name: string) => new RegExp(`#define TORCH_VERSION_${name} (\\d+)`).exec(text)?.[1];
  const [major, minor, patch] = [part('MAJOR'), part('MINOR'), part('PATCH')];
  return major === undefined || minor === undefined ? undefined : `${major}.${minor}.${patch ?? 0}`;
}

/** What is wrong with a library: missing, torn, or for another processor. */
function libraryFault(file: string): string | null {
  if (!existsSync(file)) return `${file} is missing`;
  const head = firstBytes(file, 20);
  if (head.length < 20 || head.readUInt32BE(0) !== 0x7f454c46) return `${file} is not a shared library`;
  const machine = machines[process.arch];
  if (machine === undefined || head.readUInt16LE(18) === machine) return null;
  return `${file} is for another processor than ${process.arch}`;
}

function firstBytes(file: string, count: number): Buffer {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(count);
    return bytes.subarray(0, readSync(handle, bytes, 0, count, 0));
  } finally {
    closeSync(handle);
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function refuse(fault: 'missing' | 'broken' | 'version', reason: string): Examination {
  return { fits: false, fault, reason };
}
