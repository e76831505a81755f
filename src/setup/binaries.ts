/**
 * Where the two native binaries are: a development build below `build/Release`, else those of the package for
 * this platform, which npm installs beside this one.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LmError } from '../errors.ts';
import { libtorchMinor } from './examine.ts';
import { glibcVersion, tooOld } from './platform.ts';

export interface Binaries {
  /** Opens libtorch; needs nothing itself. */
  readonly opener: string;
  /** The addon, linked against libtorch. */
  readonly addon: string;
}

/** What a package of prebuilt binaries says of them, measured when it was packed. */
interface Needs {
  /** Oldest C library on which they load. */
  readonly glibc?: string;
  /** Newest version of symbols of the C++ library that they use. */
  readonly glibcxx?: string;
  /** Minor releases of libtorch that they are for. */
  readonly libtorch?: readonly string[];
}

/** Folder of this package: the one with package.json. */
export const packageRoot: string = fileURLToPath(new URL('../../', import.meta.url));

/** Version in package.json. */
export function packageVersion(): string {
  return readManifest(packageRoot).version;
}

/**
 * Both binaries, resolved by node-gyp-build: `build/Release`, then the package for this platform.
 *
 * @throws ERR_ADDON_MISSING when there are none for this platform, one of the two is missing, or this system
 * is older than they need.
 */
export function findBinaries(root: string = packageRoot): Binaries {
  const opener = resolveOpener(root);
  const addon = join(dirname(opener), 'lm_resnet.so');
  if (existsSync(addon)) return { opener, addon };
  throw new LmError('ERR_ADDON_MISSING', `The native addon is missing: ${addon}`, {
    hint: missingHint(root),
  });
}

/** Those of the two that are there; both, the opener alone, or none. */
export function presentBinaries(root: string = packageRoot): Partial<Binaries> {
  for (const find of [findBinaries, (folder: string) => ({ opener: resolveOpener(folder) })]) {
    try {
      return find(root);
    } catch (error) {
      if (!(error instanceof LmError)) throw error;
    }
  }
  return {};
}

/** Why there are not both, and what to do; null when there are. */
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

/** Minor releases of libtorch that the binaries which are there are for. */
export function carriedMinors(root: string = packageRoot): readonly string[] {
  const folder = openerIn(root) === null ? platformPackage(root) : null;
  return (folder === null ? undefined : readManifest(folder).needs?.libtorch) ?? [libtorchMinor];
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
