/** The installations of libtorch below the cache folder, and the record of the one in use. */
import { join } from 'node:path';
import { LmError } from '../errors.ts';
import { presentBinaries } from './binaries.ts';
import { installations, readRecord, writeRecord } from './cache.ts';
import { examineLibtorch, type LibtorchFolder } from './examine.ts';
import { probeLibtorch } from './probe.ts';
import { anyOf } from './releases.ts';
import { readMarker } from './staging.ts';

/** What the steps of setting up share. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal | undefined;
  /** Folder of the installations. */
  readonly store: string;
  /** Minor releases of libtorch that will do. */
  readonly minors: readonly string[];
  /** Whether what is there in the end is recorded. */
  readonly records: boolean;
}

/** The recorded libtorch or the newest installed one that suits; null when there is none. */
export function installed(cuda: boolean | undefined, { env, minors }: Context): LibtorchFolder | null {
  const suits = (libtorch: LibtorchFolder): boolean =>
    cuda === undefined || (libtorch.flavour === 'cuda') === cuda;
  const recorded = readRecord(env);
  const named = recorded !== null && typeof recorded !== 'string' ? [recorded.path] : [];
  for (const path of [...named, ...installations(env)]) {
    const examined = examineLibtorch(path, minors);
    if (examined.fits && suits(examined.folder)) return examined.folder;
  }
  return null;
}

/** An installation made of the same file. */
export async function installedFrom(origin: object, context: Context): Promise<LibtorchFolder | null> {
  for (const folder of installations(context.env)) {
    const marker = await readMarker(folder);
    const same = JSON.stringify(Reflect.get(Object(marker), 'origin')) === JSON.stringify(origin);
    const examined = examineLibtorch(folder, context.minors);
    if (same && examined.fits) return examined.folder;
  }
  return null;
}

/** Makes a libtorch the one that is found from now on, unless the record is to stay. */
export async function record(
  { path, version, flavour }: LibtorchFolder,
  { env, records }: Context,
): Promise<void> {
  if (records) await writeRecord({ path, version, flavour }, env);
}

/** Folder of an installation. */
export function targetOf({ store }: Context, flavour: string, version: string): string {
  return join(store, `${version.split('+')[0]}-${flavour}`);
}

/**
 * The libtorch of a folder. Fails with ERR_LIBTORCH_VERSION or ERR_LIBTORCH_NOT_FOUND when it holds none that
 * fits.
 */
export function usable(folder: string, { minors }: Context): LibtorchFolder {
  const examined = examineLibtorch(folder, minors);
  if (examined.fits) return examined.folder;
  const code = examined.fault === 'version' ? 'ERR_LIBTORCH_VERSION' : 'ERR_LIBTORCH_NOT_FOUND';
  throw new LmError(code, `Expected a folder of libtorch ${anyOf(minors)}: ${examined.reason}`);
}

/**
 * Opens it in a child process, as far as the binaries are built. Fails with ERR_SETUP when it does not open.
 */
export async function verify(libtorch: LibtorchFolder, { env, say }: Context): Promise<void> {
  const { opener, addons } = presentBinaries();
  if (opener === undefined) return say('not opened for a test: the native addon is not built yet');
  const addon = addons[libtorch.minor];
  if (addon === undefined) say(`no addon for libtorch ${libtorch.minor} is built yet: it is opened alone`);
  const { ok, problem } = await probeLibtorch({ libraries: libtorch.libraries, opener, addon, env });
  if (ok) return;
  const lacksCuda = libtorch.flavour === 'cuda' && /: cannot open shared object file/.test(problem ?? '');
  throw new LmError('ERR_SETUP', `libtorch in ${libtorch.path} does not open: ${problem}`, {
    ...(lacksCuda ? { hint: missingCuda } : {}),
  });
}

const missingCuda =
  "A build with CUDA needs CUDA's own libraries, which are wheels beside it. Without a network: bring all that a file of requirements/ in this package names (`pip download --no-deps -r FILE`), and run `PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER npx lm-resnet setup`; or take a build without CUDA.";
