/**
 * Where the native binaries are: a development build below `build/Release`, else those of the package for
 * this platform, which npm installs beside this one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LmError } from '../errors.ts';
import { glibcVersion, tooOld } from './platform.ts';
import { libtorchMinors, newestFirst } from './releases.ts';

export interface Binaries {
  /** Opens libtorch; needs nothing itself. */
  readonly opener: string;
  /** The addon for each minor release of libtorch, by its name: "2.13". */
  readonly addons: Readonly<Record<string, string>>;
  /** The kernels of CUDA devices, for every libtorch; null where libtorch's own functions serve. */
  readonly kernels: string | null;
  /** The library of CUDA's graphs, by minor release of libtorch; without it steps are not captured. */
  readonly graphs: Readonly<Record<string, string>>;
  /** The library of NCCL, for ranks on CUDA devices, by minor release of libtorch. */
  readonly nccl: Readonly<Record<string, string>>;
}

/** What a package of prebuilt binaries says of them, measured when it was packed. */
interface Needs {
  /** Oldest C library on which they load. */
  readonly glibc?: string;
  /** Newest version of symbols of the C++ library that they use. */
  readonly glibcxx?: string;
}

/** Folder of this package: the one with package.json. */
export const packageRoot: string = fileURLToPath(new URL('../../', import.meta.url));

/** Version in package.json. */
export function packageVersion(): string {
  return readManifest(packageRoot).version;
}

/**
 * The binaries, resolved by node-gyp-build: `build/Release`, then the package for this platform. At least one
 * addon is among them.
 *
 * @throws ERR_ADDON_MISSING when there are none for this platform, the addon is missing, or this system is
 * older than they need.
 */
export function findBinaries(root: string = packageRoot): Binaries {
  const opener = resolveOpener(root);
  const addons = byMinor('lm_resnet', dirname(opener));
  const kernels = join(dirname(opener), 'lm_cuda.so');
  if (Object.keys(addons).length > 0)
    return {
      opener,
      addons,
      kernels: existsSync(kernels) ? kernels : null,
      graphs: byMinor('lm_cuda_graphs', dirname(opener)),
      nccl: byMinor('lm_nccl', dirname(opener)),
    };
  const missing = join(dirname(opener), addonName('*'));
  throw new LmError('ERR_ADDON_MISSING', `The native addon is missing: ${missing}`, {
    hint: missingHint(root),
  });
}

/** Those that are there: opener and addons, the opener alone, or none. */
export function presentBinaries(
  root: string = packageRoot,
): Pick<Binaries, 'addons' | 'graphs' | 'nccl'> & Partial<Binaries> {
  for (const find of [
    findBinaries,
    (folder: string) => ({ opener: resolveOpener(folder), addons: {}, kernels: null, graphs: {}, nccl: {} }),
  ]) {
    try {
      return find(root);
    } catch (error) {
      if (!(error instanceof LmError)) throw error;
    }
  }
  return { addons: {}, graphs: {}, nccl: {} };
}

/** Name of the addon's file for a minor release of libtorch, which CMakeLists.txt gives it. */
const addonName = (minor: string): string => `lm_resnet-${minor}.so`;

/** Files NAME-MINOR.so, one for each minor release of libtorch. */
function byMinor(library: string, folder: string): Record<string, string> {
  const found = readdirSync(folder).flatMap((name) => {
    const [, start, minor] = /^(\w+)-(\d+\.\d+)\.so$/.exec(name) ?? [];
    return minor === undefined || start !== library ? [] : [[minor, join(folder, name)] as const];
  });
  return Object.fromEntries(found.sort(([a], [b]) => newestFirst(a, b)));
}

/** Why they are not there, and what to do; null when they are. */
export function binariesProblem(root: string = packageRoot): string | null {
  try {
    findBinaries(root);
    return null;
  } catch (error) {
    if (error instanceof LmError) return `${error.message}. ${error.hint ?? ''}`.trim();
    throw error;
  }
}

/** Path of the opener alone. Fails with ERR_ADDON_MISSING as findBinaries does. */
export function resolveOpener(root: string = packageRoot): string {
  const built = openerIn(root);
  if (built !== null) return built;
  const prebuilt = platformPackage(root);
  if (prebuilt !== null) refuseOldSystem(prebuilt);
  const opener = prebuilt === null ? null : openerIn(prebuilt);
  if (opener !== null) return opener;
  throw new LmError('ERR_ADDON_MISSING', `No native addon for ${platform} in ${prebuilt ?? root}`, {
    hint: missingHint(root),
  });
}

/** What the prebuilt binaries need of the C++ library: "GLIBCXX_3.4.30"; null for a development build. */
export function neededCxx(root: string = packageRoot): string | null {
  const folder = openerIn(root) === null ? platformPackage(root) : null;
  const needed = folder === null ? undefined : readManifest(folder).needs?.glibcxx;
  return needed === undefined ? null : `GLIBCXX_${needed}`;
}

/** Minor releases of libtorch for which there is an addon, newest first; none before a build. */
export function carriedMinors(root: string = packageRoot): readonly string[] {
  return Object.keys(presentBinaries(root).addons);
}

/** Minor releases of libtorch that will do: those with an addon; before a build, all of the sources. */
export function usableMinors(root: string = packageRoot): readonly string[] {
  const carried = carriedMinors(root);
  return carried.length > 0 ? carried : libtorchMinors;
}

const platform = `${process.platform}-${process.arch}`;

function openerIn(folder: string): string | null {
  const { path }: { path: (folder: string) => string } = createRequire(import.meta.url)('node-gyp-build');
  try {
    return path(folder);
  } catch {
    return null;
  }
}

/** Folder of the package with this platform's binaries; null when it is not installed. */
function platformPackage(root: string): string | null {
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve(`lm-resnet-${platform}/package.json`);
    return dirname(manifest);
  } catch {
    return null;
  }
}

function refuseOldSystem(folder: string): void {
  const needed = readManifest(folder).needs?.glibc;
  const found = glibcVersion();
  if (needed === undefined || found === null || !tooOld(found, needed)) return;
  throw new LmError(
    'ERR_ADDON_MISSING',
    `The prebuilt addon needs glibc >= ${needed} and this system has ${found}`,
    {
      hint: 'Use a newer release of the system, or build the addon: `node scripts/build.mjs` in its folder.',
    },
  );
}

/** A clone is built; an installed package lacks the package of this platform, or there is none. */
function missingHint(root: string): string {
  const { version, optionalDependencies } = readManifest(root);
  const build = `\`node scripts/build.mjs\` in ${root}`;
  if (optionalDependencies === undefined) return `Build it: ${build}.`;
  const wanted = `lm-resnet-${platform}`;
  if (wanted in optionalDependencies) {
    return `Install its package, which npm leaves out with --omit=optional or a lock file of another platform: \`npm install ${wanted}@${version}\`; or build it: ${build}.`;
  }
  const served = Object.keys(optionalDependencies).map((name) => name.slice('lm-resnet-'.length));
  return `There are prebuilt binaries for ${served.join(', ')}. Build it for this platform: ${build}.`;
}

interface Manifest {
  readonly version: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly needs?: Needs;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
