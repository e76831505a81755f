/**
 * Installs the pinned libtorch into the user's cache, or records one that is there. Behind `lm-resnet setup`.
 */
import { statSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { expected, LmError } from '../errors.ts';
import { must } from '../must.ts';
import { usableMinors } from './binaries.ts';
import { downloadsFolder, readRecord, storeFolder } from './cache.ts';
import type { LibtorchFolder } from './examine.ts';
import {
  type Attempt,
  attempts,
  isChanged,
  mayWorkElsewhere,
  pipArguments,
  requirePython,
  runPython,
  sizesOf,
} from './pip.ts';
import { platformProblem } from './platform.ts';
import { dropCuda } from './prune.ts';
import type { Python } from './python.ts';
import { anyOf, libtorchMinors } from './releases.ts';
import { bytesBelow, bytesOfPip, watched } from './size.ts';
import { clearLeftovers, commitStaging, openStaging } from './staging.ts';
import { type Context, installed, installedFrom, record, targetOf, usable, verify } from './store.ts';

export interface SetupOptions {
  /** True: with CUDA (about 4 GB). False: without. Left out: whatever is recorded already, else without. */
  readonly cuda?: boolean | undefined;
  /**
   * A folder of libtorch, which is recorded where it is; or a torch wheel (.whl) or libtorch archive (.zip)
   * to unpack.
   */
  readonly from?: string | undefined;
  /** Minor release, such as "2.13". Default: one that is there and fits, else the newest that pip can get. */
  readonly minor?: string | undefined;
  /** False: it is installed only, and what is recorded stays. True by default. */
  readonly record?: boolean | undefined;
  /** Only say what would be done. */
  readonly dryRun?: boolean | undefined;
  /** Told what happens, a line at a time. */
  readonly onProgress?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Environment to read, `process.env` by default. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface SetupResult {
  /** False when it was there already. */
  readonly installed: boolean;
  /** The libtorch that is recorded now; null after a dry run. */
  readonly libtorch: LibtorchFolder | null;
  /** Commands of a dry run, in the order in which they would be tried. */
  readonly commands: readonly string[];
  /** Folder that is, or would be, recorded. */
  readonly target: string;
}

/**
 * Makes a libtorch available and records it. Safe to repeat, to run twice at a time and to kill: an
 * installation appears complete or not at all, and what a killed run left behind is cleared away by the next.
 *
 * @throws ERR_PREREQUISITE without a suitable system, Python or pip; ERR_SETUP when installing fails;
 * ERR_LIBTORCH_NOT_FOUND, ERR_LIBTORCH_VERSION when `from` holds no usable libtorch.
 * @example
 * await setupLibtorch({ onProgress: console.error });
 */
export async function setupLibtorch(options: SetupOptions = {}): Promise<SetupResult> {
  const problem = platformProblem();
  if (problem !== null) throw new LmError('ERR_PREREQUISITE', problem);
  const env = options.env ?? process.env;
  const { onProgress: say = () => {}, signal } = options;
  const { record: records = true } = options;
  const minors = wantedMinors(options);
  const context: Context = { env, say, signal, store: storeFolder(env), minors, records };
  if (options.from === undefined) return install(options, context);
  const from = resolve(options.from);
  const stats = statSync(from, { throwIfNoEntry: false });
  if (stats?.isFile()) return unpack(from, options, context);
  return adopt(from, options, context);
}

/** The one that is asked for, else those that there is an addon for. */
function wantedMinors({ minor }: SetupOptions): readonly string[] {
  if (minor === undefined) return usableMinors();
  if (libtorchMinors.includes(minor)) return [minor];
  throw expected('ERR_CONFIG', anyOf(libtorchMinors), 'setup.minor', minor);
}

/** Records a folder as it is. */
async function adopt(from: string, { dryRun }: SetupOptions, context: Context): Promise<SetupResult> {
  const libtorch = usable(from, context);
  if (dryRun) return { installed: false, libtorch: null, commands: [], target: libtorch.path };
  await verify(libtorch, context);
  await record(libtorch, context);
  return { installed: false, libtorch, commands: [], target: libtorch.path };
}

async function unpack(file: string, { dryRun }: SetupOptions, context: Context): Promise<SetupResult> {
  const { size, mtimeMs } = statSync(file);
  const origin = { name: basename(file), size, mtimeMs };
  const known = await installedFrom(origin, context);
  if (known !== null && !dryRun) return present(known, context);
  const python = requirePython(context.env, { pip: false });
  const args = (folder: string): string[] => ['-m', 'zipfile', '-e', file, folder];
  if (dryRun) return planned(context.store, [[python.command, ...args('DIR')]]);
  context.say(`unpacking ${file}`);
  return staged(context, async (folder, scratch) => {
    await runPython(python, args(folder), { ...context, scratch });
    return { origin };
  });
}

async function install({ cuda, dryRun }: SetupOptions, context: Context): Promise<SetupResult> {
  const known = dryRun ? null : installed(cuda, context);
  if (known !== null) return present(known, context);
  const python = requirePython(context.env, { pip: true });
  const ways = attempts(context.minors, cuda ?? false);
  if (dryRun) {
    const { flavour, release } = must(ways[0]);
    return planned(
      targetOf(context, flavour, release),
      ways.map((way) => [python.command, ...pipArguments(targetOf(context, way.flavour, way.release), way)]),
    );
  }
  const failures: LmError[] = [];
  for (const way of ways) {
    try {
      return await staged(context, (folder, scratch) =>
        pipInstall(way, python, folder, { ...context, scratch }),
      );
    } catch (error) {
      if (!mayWorkElsewhere(error)) throw error;
      context.say(`that did not work: ${error.message.split('\n').at(-1)}`);
      failures.push(error);
    }
  }
  throw allFailed(failures);
}

async function pipInstall(
  way: Attempt,
  python: Python,
  folder: string,
  context: Context & { readonly scratch: string },
): Promise<object> {
  const from = way.indexes.length > 0 ? ` with ${way.indexes.join(', ')}` : '';
  const kind = way.flavour === 'cuda' ? 'with CUDA' : 'without CUDA';
  context.say(`pip installs libtorch ${way.release} ${kind} (about ${sizesOf(way)})${from}`);
  const downloads = downloadsFolder(context.env);
  const run = (): Promise<void> => runPython(python, pipArguments(folder, way), { ...context, downloads });
  const look = (): Promise<string> => progress(context.scratch, folder, way);
  await goingOn(downloads, context.say, () => watched(look, context.say, run));
  if (way.flavour === 'cpu') await dropCuda(folder);
  await rm(downloads, { recursive: true, force: true });
  return { requirements: basename(way.requirements) };
}

/** How far pip has come, which unpacks once everything is downloaded; empty where it has just begun. */
async function progress(scratch: string, target: string, way: Attempt): Promise<string> {
  const [{ downloaded, ...rest }, moved] = await Promise.all([bytesOfPip(scratch), bytesBelow(target)]);
  const unpacked = rest.unpacked + moved;
  const [toDownload] = sizesOf(way).split(' to download');
  if (unpacked > 1e6) return `  ${Math.round(unpacked / 1e6)} MB unpacked`;
  return downloaded > 1e6 ? `  ${Math.round(downloaded / 1e6)} MB of about ${toDownload} downloaded` : '';
}

/** Downloads that break off go on from where they were, as long as each try brings something. */
async function goingOn(
  downloads: string,
  say: (line: string) => void,
  work: () => Promise<void>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const before = await bytesBelow(downloads);
    if (before > 1e6) say(`  going on with ${Math.round(before / 1e6)} MB that were downloaded before`);
    try {
      return await work();
    } catch (error) {
      if (isChanged(error)) await rm(downloads, { recursive: true, force: true });
      const brought = (await bytesBelow(downloads)) - before;
      if (!mayWorkElsewhere(error) || brought <= 0 || tries === 10) throw error;
      say(`  the download broke off: ${error.message.split('\n').at(-1)}`);
    }
  }
}

/**
 * Fills a temporary folder, verifies it, gives it its name and records it. Nothing is left behind on failure.
 */
async function staged(
  context: Context,
  fill: (folder: string, scratch: string) => Promise<object>,
): Promise<SetupResult> {
  const staging = await openStaging(context.store);
  const scratch = join(staging, 'scratch');
  const folder = join(staging, 'content');
  try {
    await mkdir(scratch);
    await mkdir(folder);
    const marker = await fill(folder, scratch);
    const fresh = usable(folder, context);
    await verify(fresh, context);
    const target = targetOf(context, fresh.flavour, fresh.version);
    await commitStaging(folder, target, marker);
    const libtorch = usable(target, context);
    await record(libtorch, context);
    return { installed: true, libtorch, commands: [], target };
  } finally {
    await rm(staging, { recursive: true, force: true });
    await clearLeftovers(context.store);
  }
}

async function present(libtorch: LibtorchFolder, context: Context): Promise<SetupResult> {
  const recorded = readRecord(context.env);
  const same = recorded !== null && typeof recorded !== 'string' && recorded.path === libtorch.path;
  if (!same) await record(libtorch, context);
  return { installed: false, libtorch, commands: [], target: libtorch.path };
}

function planned(target: string, commands: readonly (readonly string[])[]): SetupResult {
  return { installed: false, libtorch: null, commands: commands.map((words) => words.join(' ')), target };
}

/** The first failure that says more than "no such release", with every attempt as its cause. */
function allFailed(failures: readonly LmError[]): LmError {
  const telling = failures.find((error) => !/No matching distribution/.test(error.message)) ?? failures[0];
  return new LmError('ERR_SETUP', failures.map((error) => error.message).join('\n'), {
    ...(telling?.hint === undefined ? {} : { hint: telling.hint }),
    cause: telling,
  });
}
