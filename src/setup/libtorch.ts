/**
 * Finds libtorch. Nothing is opened here, and a choice that was made by name is never passed over in silence.
 */
import { LmError } from '../errors.ts';
import { usableMinors } from './binaries.ts';
import { installations, readRecord } from './cache.ts';
import { examineLibtorch, type LibtorchFolder } from './examine.ts';
import { platformProblem } from './platform.ts';
import { pythonTorch } from './python.ts';
import { anyOf } from './releases.ts';

/** Where a candidate comes from, in the order of precedence. */
export const libtorchSources = ['init', 'LM_RESNET_LIBTORCH', 'LIBTORCH', 'setup', 'python'] as const;

export type LibtorchSource = (typeof libtorchSources)[number];

/** A usable libtorch and who named it; `process`: it was loaded already, by another thread. */
export interface Libtorch extends LibtorchFolder {
  readonly source: LibtorchSource | 'process';
}

/** One place that was looked at. */
export interface LibtorchCandidate {
  readonly source: LibtorchSource;
  /** Null when the source names no folder. */
  readonly path: string | null;
  /** The libtorch, when it is usable. */
  readonly libtorch: Libtorch | null;
  /** Why it was refused: null when it is usable. */
  readonly refused: string | null;
  /** True when it has another version than this package needs. */
  readonly wrongVersion: boolean;
}

export interface FindOptions {
  /** Folder given to `init({ libtorch })`. */
  readonly libtorch?: string | undefined;
  /** Environment to read, `process.env` by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Minor releases that will do, by default those that there is an addon for. */
  readonly minors?: readonly string[];
}

/** Source names as they read in a message. */
const labels: Readonly<Record<LibtorchSource, string>> = {
  init: 'init({ libtorch })',
  LM_RESNET_LIBTORCH: 'environment LM_RESNET_LIBTORCH',
  LIBTORCH: 'environment LIBTORCH',
  setup: 'installed by lm-resnet setup',
  python: 'torch of the active Python',
};

const hint =
  'Run `npx lm-resnet setup`, or name a folder with `init({ libtorch })` or the environment LM_RESNET_LIBTORCH.';

/**
 * The first usable libtorch: `init({ libtorch })`, the environment's LM_RESNET_LIBTORCH and LIBTORCH, the one
 * recorded by `lm-resnet setup` or else another that it installed, the `torch` of the active Python. One that
 * was named explicitly is taken or refused, never skipped.
 *
 * @throws ERR_LIBTORCH_NOT_FOUND with every candidate and why it was refused, or when the named one is
 * missing or broken; ERR_LIBTORCH_VERSION when the named one has another minor version.
 * @example
 * const { path, version, flavour } = findLibtorch();
 */
export function findLibtorch(options: FindOptions = {}): Libtorch {
  const problem = platformProblem();
  if (problem !== null) throw new LmError('ERR_LIBTORCH_NOT_FOUND', problem);
  const { minors = usableMinors() } = options;
  const looked: LibtorchCandidate[] = [];
  for (const source of libtorchSources) {
    const candidate = look(source, { ...options, minors });
    if (candidate.libtorch !== null) return candidate.libtorch;
    if (isExplicit(candidate)) throw refusedExplicitly(candidate, minors);
    looked.push(candidate);
  }
  const list = looked.map((candidate) => `\n  ${labels[candidate.source]}: ${candidate.refused}`).join('');
  throw new LmError('ERR_LIBTORCH_NOT_FOUND', `No usable libtorch ${anyOf(minors)} was found:${list}`, {
    hint,
  });
}

/** Every candidate with its verdict, also those behind the one that `findLibtorch` takes. */
export function libtorchCandidates(options: FindOptions = {}): LibtorchCandidate[] {
  const { minors = usableMinors() } = options;
  return libtorchSources.map((source) => look(source, { ...options, minors }));
}

type Sought = FindOptions & { readonly minors: readonly string[] };

function look(source: LibtorchSource, options: Sought): LibtorchCandidate {
  const named = locate(source, options);
  if (named.path === null)
    return { source, path: null, libtorch: null, refused: named.reason, wrongVersion: false };
  const examined = examineLibtorch(named.path, options.minors);
  const path = examined.fits ? examined.folder.path : named.path;
  return {
    source,
    path,
    libtorch: examined.fits ? { ...examined.folder, source } : null,
    refused: examined.fits ? null : examined.reason,
    wrongVersion: !examined.fits && examined.fault === 'version',
  };
}

type Located = { readonly path: string } | { readonly path: null; readonly reason: string };

function locate(source: LibtorchSource, { libtorch, env = process.env, minors }: Sought): Located {
  switch (source) {
    case 'init':
      return libtorch === undefined ? none('not given') : { path: libtorch };
    case 'setup':
      return locateInstalled(env, minors);
    case 'python': {
      const path = pythonTorch(env);
      return path === null ? none('no python3 or python on PATH that has torch') : { path };
    }
    default: {
      const path = env[source];
      return path ? { path } : none('not set');
    }
  }
}

/** The recorded libtorch; where that does not fit, another that was installed and does. */
function locateInstalled(env: NodeJS.ProcessEnv, minors: readonly string[]): Located {
  const record = readRecord(env);
  const recorded = record !== null && typeof record !== 'string' ? [record.path] : [];
  const fits = (path: string): boolean => examineLibtorch(path, minors).fits;
  const path = [...recorded, ...installations(env)].find(fits) ?? recorded[0];
  if (path !== undefined) return { path };
  return none(typeof record === 'string' ? record : 'nothing was installed or recorded');
}

function none(reason: string): Located {
  return { path: null, reason };
}

/** True if a person named this folder: it is taken or refused, never skipped. */
export function isExplicit({ source, path }: LibtorchCandidate): boolean {
  return path !== null && source !== 'setup' && source !== 'python';
}

function refusedExplicitly(candidate: LibtorchCandidate, minors: readonly string[]): LmError {
  const code = candidate.wrongVersion ? 'ERR_LIBTORCH_VERSION' : 'ERR_LIBTORCH_NOT_FOUND';
  const message = `Expected a libtorch ${anyOf(minors)} folder for \`${labels[candidate.source]}\`: ${candidate.refused}`;
  return new LmError(code, message, { hint: `Correct it or leave it out. ${hint}` });
}
