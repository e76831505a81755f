/** Where the two native binaries are: a development build below `build/Release`, else the prebuilt ones. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LmError } from '../errors.ts';

export interface Binaries {
  /** Opens libtorch; needs nothing itself. */
  readonly opener: string;
  /** The addon, linked against libtorch. */
  readonly addon: string;
}

/** Folder of this package: the one with package.json. */
export const packageRoot: string = fileURLToPath(new URL('../../', import.meta.url));

/** Version in package.json. */
export function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(packageRoot, 'package.json'), 'utf8'),
  );
  return version;
}

const hint =
  'Reinstall the package so that its `prebuilds` folder is complete, or build it: `node scripts/build.mjs` in its folder.';

/**
 * Both binaries, resolved by node-gyp-build: `build/Release`, then `prebuilds/<platform>-<arch>`.
 *
 * @throws ERR_ADDON_MISSING when there are none for this platform, or one of the two is missing.
 */
export function findBinaries(root: string = packageRoot): Binaries {
  const opener = resolveOpener(root);
  const addon = join(dirname(opener), 'lm_resnet.so');
  if (existsSync(addon)) return { opener, addon };
  throw new LmError('ERR_ADDON_MISSING', `The native addon is missing: ${addon}`, { hint });
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

/** Path of the opener alone. Fails with ERR_ADDON_MISSING when there is none for this platform. */
export function resolveOpener(root: string = packageRoot): string {
  const { path }: { path: (folder: string) => string } = createRequire(import.meta.url)('node-gyp-build');
  try {
    return path(root);
  } catch (cause) {
    const place = `${process.platform}-${process.arch}`;
    throw new LmError('ERR_ADDON_MISSING', `No native addon for ${place} in ${root}`, { hint, cause });
  }
}
