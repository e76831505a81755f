/**
 * The only file that loads native code: libtorch through the opener, then the addon. At first use, never at
 * import.
 */
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { defaultThreads, maxThreads } from '../cores.ts';
import { type ErrorCode, errorCodes, expected, LmError } from '../errors.ts';
import { must } from '../must.ts';
import { findBinaries, neededCxx } from '../setup/binaries.ts';
import { examineLibtorch } from '../setup/examine.ts';
import { findLibtorch, type Libtorch } from '../setup/libtorch.ts';
import type { NativeAddon } from './binding.ts';

/** Options of `init`. */
export interface InitOptions {
  /**
   * Folder of libtorch: a wheel's `torch/`, a folder holding it, or an unpacked libtorch. Found by itself
   * when left out.
   */
  readonly libtorch?: string | undefined;
  /**
   * Threads that compute: OMP_NUM_THREADS where it is set, else the available cores (affinity and cgroup
   * quota count).
   */
  readonly threads?: number | undefined;
}

interface Opener {
  open(paths: readonly string[]): string | null;
  loaded(): string[];
}

interface LoadedAddon extends NativeAddon {
  setErrorFactory(make: (code: string, message: string) => LmError): void;
  /** Ends the jobs of this thread for good: nothing may compute while the process takes libtorch down. */
  endJobs(): void;
}

interface Loaded {
  readonly addon: NativeAddon;
  readonly libtorch: Libtorch;
}

const schema = z.object({
  libtorch: z.string().min(1).optional(),
  threads: z.int().min(1).max(maxThreads).optional(),
});

// One per thread: each worker has its own module, while libtorch and its threads are the process's.
let chosen: InitOptions = {};
let loaded: Loaded | null = null;

/**
 * Chooses libtorch and the number of threads; optional, and before the first use. Loads nothing by itself.
 * Called again, it may change the number of threads (for the whole process), but not the libtorch once that
 * is loaded.
 *
 * @throws ERR_CONFIG for a wrong option, or for another libtorch after loading.
 * @example
 * init({ libtorch: '/opt/libtorch', threads: 8 });
 */
export function init(options: InitOptions = {}): void {
  const { libtorch, threads } = parseOptions(schema, options, 'init');
  if (loaded === null) {
    chosen = { libtorch: libtorch ?? chosen.libtorch, threads: threads ?? chosen.threads };
    return;
  }
  if (libtorch !== undefined && !sameLibtorch(libtorch, loaded.libtorch)) {
    throw expected('ERR_CONFIG', `the libtorch in use, ${loaded.libtorch.path},`, 'init.libtorch', libtorch, {
      hint: 'A process has one libtorch for its whole life: call init before the first use, or start another process.',
    });
  }
  if (threads !== undefined) loaded.addon.configure({ threads });
}

/**
 * The native addon, loaded at the first call (about 0.3 s).
 *
 * @throws ERR_LIBTORCH_NOT_FOUND, ERR_LIBTORCH_VERSION when no libtorch fits or it does not open;
 *   ERR_ADDON_MISSING.
 */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded.addon;
}

/** The libtorch in use; null before the first use. */
export function libtorchInUse(): Libtorch | null {
  return loaded?.libtorch ?? null;
}

function load(): Loaded {
  const binaries = findBinaries();
  const opener = loadModule<Opener>(binaries.opener);
  const before = opener.loaded();
  const libtorch = chooseLibtorch(before, Object.keys(binaries.addons));
  openLibtorch(opener, libtorch);
  const addon = loadAddon(must(binaries.addons[libtorch.minor]), libtorch);
  // Set by the first thread that loads; a later worker must not undo what the process chose.
  const threads = chosen.threads ?? (before.length === 0 ? defaultThreads() : undefined);
  if (threads !== undefined) addon.configure({ threads });
  return { addon, libtorch };
}

/**
 * The libtorch of this process where one is mapped already (by another thread), else the one that is found;
 * of a minor release that there is an addon for.
 */
function chooseLibtorch(mapped: readonly string[], minors: readonly string[]): Libtorch {
  const [first] = mapped;
  if (first !== undefined && chosen.libtorch === undefined) {
    const shared = examineLibtorch(dirname(dirname(first)), minors);
    if (shared.fits) return refuseSecond({ ...shared.folder, source: 'process' }, mapped);
  }
  return refuseSecond(findLibtorch({ ...chosen, minors }), mapped);
}

function refuseSecond(libtorch: Libtorch, mapped: readonly string[]): Libtorch {
  const own = new Set(libtorch.libraries.map(real));
  const foreign = mapped.find((file) => !own.has(real(file)));
  if (foreign === undefined) return libtorch;
  const message = `This process has loaded another libtorch already: ${foreign}; it cannot load ${libtorch.path} as well`;
  throw new LmError('ERR_LIBTORCH_VERSION', message, {
    hint: 'Let both users share one libtorch with `init({ libtorch })`, or run them in separate processes.',
  });
}

function openLibtorch(opener: Opener, libtorch: Libtorch): void {
  const problem = opener.open(libtorch.libraries);
  if (problem === null) return;
  throw new LmError('ERR_LIBTORCH_NOT_FOUND', `libtorch in ${libtorch.path} does not open: ${problem}`, {
    hint: '`npx lm-resnet doctor` examines this machine; `npx lm-resnet setup` installs a libtorch that fits.',
  });
}

function loadAddon(addon: string, libtorch: Libtorch): NativeAddon {
  const module = loadModule<LoadedAddon>(addon, libtorch);
  module.setErrorFactory((code, message) => new LmError(isCode(code) ? code : 'ERR_TORCH', message));
  if (isMainThread) process.once('exit', () => module.endJobs());
  return module;
}

function loadModule<T>(file: string, libtorch?: Libtorch): T {
  const module: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(module, file, constants.dlopen.RTLD_NOW);
  } catch (cause) {
    throw explain(file, libtorch, cause);
  }
  return module.exports as T;
}

function explain(file: string, libtorch: Libtorch | undefined, cause: unknown): LmError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/libstdc\+\+\S*: version/.test(text)) return oldCxx(text, cause);
  if (libtorch !== undefined && /undefined symbol|version `.*' not found/.test(text)) {
    const message = `The addon does not fit libtorch ${libtorch.version} in ${libtorch.path}: ${text}`;
    return new LmError('ERR_LIBTORCH_VERSION', message, { cause, hint: 'Run `npx lm-resnet setup`.' });
  }
  return new LmError('ERR_ADDON_MISSING', `The native addon cannot be loaded: ${text}`, {
    cause,
    hint: `Reinstall the package or rebuild it (${file}); \`npx lm-resnet doctor\` examines this machine.`,
  });
}

function oldCxx(text: string, cause: unknown): LmError {
  const needed = neededCxx() ?? /`([\w.]+)' not found/.exec(text)?.[1] ?? 'a newer one';
  const message = `The native addon needs a libstdc++ with ${needed}, and this process has an older one: ${text}`;
  return new LmError('ERR_ADDON_MISSING', message, {
    cause,
    hint: 'Use a newer release of the system, or unset LD_LIBRARY_PATH and LD_PRELOAD where they name an older libstdc++.',
  });
}

function sameLibtorch(folder: string, { libraries }: Libtorch): boolean {
  try {
    return findLibtorch({ libtorch: folder }).libraries.every(
      (file, i) => real(file) === real(libraries[i] ?? ''),
    );
  } catch {
    return false;
  }
}

function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}
