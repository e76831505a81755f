/** The installations of libtorch below the cache folder, and the record of the one in use. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LmError } from '../errors.ts';
import { presentBinaries } from './binaries.ts';
import { readRecord, writeRecord } from './cache.ts';
import { examineLibtorch, type LibtorchFolder, libtorchRelease } from './examine.ts';
import { probeLibtorch } from './probe.ts';
import { readMarker } from './staging.ts';

/** What the steps of setting up share. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal | undefined;
  /** Folder of the installations. */
  readonly store: string;
}

/** The recorded or an installed libtorch that suits; null when there is none. */
export async function installed(cuda: boolean | undefined, context: Context): Promise<LibtorchFolder | null> {
  const suits = (libtorch: LibtorchFolder): boolean =>
    cuda === undefined || (libtorch.flavour === 'cuda') === cuda;
  const recorded = readRecord(context.env);
  if (recorded !== null && typeof recorded !== 'string') {
    const examined = examineLibtorch(recorded.path);
    if (examined.fits && suits(examined.folder)) return examined.folder;
  }
  for (const flavour of ['cpu', 'cuda'] as const) {
    const target = targetOf(context, flavour);
    const examined = examineLibtorch(target);
    if (examined.fits && suits(examined.folder) && (await readMarker(target)) !== null)
      return examined.folder;
  }
  return null;
}

/** An installation made of the same file. */
export async function installedFrom(origin: object, context: Context): Promise<LibtorchFolder | null> {
  const names = existsSync(context.store) ? await readdir(context.store) : [];
  for (const name of names.filter((name) => !name.startsWith('.'))) {
    const marker = await readMarker(join(context.store, name));
    const same = JSON.stringify(Reflect.get(Object(marker), 'origin')) === JSON.stringify(origin);
    const examined = examineLibtorch(join(context.store, name));
    if (same && examined.fits) return examined.folder;
  }
  return null;
}

/** Makes a libtorch the one that is found from now on. */
export function record({ path, version, flavour }: LibtorchFolder, { env }: Context): Promise<void> {
  return writeRecord({ path, version, flavour }, env);
}

/** Folder of an installation. */
export function targetOf({ store }: Context, flavour: string, version: string = libtorchRelease): string {
  return join(store, `${version.split('+')[0]}-${flavour}`);
}

/**
 * The libtorch of a folder. Fails with ERR_LIBTORCH_VERSION or ERR_LIBTORCH_NOT_FOUND when it holds none that
 * fits.
 */
export function usable(folder: string): LibtorchFolder {
  const examined = examineLibtorch(folder);
  if (examined.fits) return examined.folder;
  const code = examined.fault === 'version' ? 'ERR_LIBTORCH_VERSION' : 'ERR_LIBTORCH_NOT_FOUND';
  throw new LmError(code, `Expected a folder of libtorch ${libtorchRelease}: ${examined.reason}`);
}

/**
 * Opens it in a child process, as far as the binaries are built. Fails with ERR_SETUP when it does not open.
 */
export async function verify(libtorch: LibtorchFolder, { env, say }: Context): Promise<void> {
  const { opener, addon } = presentBinaries();
  if (opener === undefined) return say('not opened for a test: the native addon is not built yet');
  const { ok, problem } = await probeLibtorch({ libraries: libtorch.libraries, opener, addon, env });
  if (!ok) throw new LmError('ERR_SETUP', `libtorch in ${libtorch.path} does not open: ${problem}`);
}
