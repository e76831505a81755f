/** The pip commands of `lm-resnet setup`: what they are, and running one with its failure explained. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isLmError, LmError } from '../errors.ts';
import { must } from '../must.ts';
import { packageRoot } from './binaries.ts';
import type { Flavour } from './examine.ts';
import { findPython, type Python } from './python.ts';
import { anyOf, libtorchReleases, minorOf } from './releases.ts';

/** PyTorch's own index of builds without CUDA. */
const cpuIndex = 'https://download.pytorch.org/whl/cpu';

/**
 * An index that is down must not cost minutes: one try, 15 seconds without an answer. Flags win over the
 * user's configuration, which otherwise holds.
 */
const bounded = ['--disable-pip-version-check', '--no-input', '--retries', '0', '--timeout', '15'] as const;

/** Wheels of one Python, known by their SHA-256: libtorch is the same in those of any, so any takes them. */
const wheelPython = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'] as const;

/** One way to get libtorch. */
export interface Attempt {
  /** Such as "2.13.0". */
  readonly release: string;
  readonly flavour: Flavour;
  /** File of pip with every package, its version and its SHA-256. */
  readonly requirements: string;
  readonly indexes: readonly string[];
}

/**
 * The ways to get libtorch, in order: the first that works is taken. Newer releases come first.
 *
 * @param minors minor releases that will do.
 * @throws ERR_PREREQUISITE for a processor that no wheels are named for.
 */
export function attempts(minors: readonly string[], cuda: boolean, arch: string = process.arch): Attempt[] {
  const platform = `${process.platform}-${arch}`;
  const releases = libtorchReleases.filter((release) => minors.includes(minorOf(release)));
  const ways = releases.flatMap((release) => attemptsFor(release, cuda, platform));
  if (ways.length > 0) return ways;
  throw new LmError(
    'ERR_PREREQUISITE',
    `Expected a platform that wheels are known for but this is ${platform}`,
    {
      hint: `Unpack a libtorch ${anyOf(releases)} for it yourself and run \`npx lm-resnet setup --from DIR\`.`,
    },
  );
}

/**
 * The last one without CUDA takes the build with CUDA that every index of Python packages has, without the
 * libraries of CUDA. A wheel whose SHA-256 is not known has no file, and is left out.
 */
function attemptsFor(release: string, cuda: boolean, platform: string): Attempt[] {
  const way = (kind: string, flavour: Flavour, indexes: readonly string[] = []): Attempt[] => {
    const requirements = join(packageRoot, 'requirements', platform, `torch-${release}-${kind}.txt`);
    return existsSync(requirements) ? [{ release, flavour, requirements, indexes }] : [];
  };
  if (cuda) return way('cuda', 'cuda');
  return [...way('cpu', 'cpu'), ...way('cpu', 'cpu', [cpuIndex]), ...way('cpu-part', 'cpu')];
}

/** How much an attempt downloads and leaves, as the comment in its file says. */
export function sizesOf({ requirements }: Attempt): string {
  return must(/About (.* to download, .* on disk)\./.exec(readFileSync(requirements, 'utf8'))?.[1]);
}

/** Arguments for Python that install what a file of requirements names into a folder, and nothing else. */
export function pipArguments(target: string, { requirements, indexes }: Attempt): string[] {
  return [
    '-m',
    'pip',
    'install',
    ...bounded,
    '--no-user',
    '--only-binary=:all:',
    '--no-deps',
    '--require-hashes',
    ...wheelPython,
    ...indexes.flatMap((index) => ['--extra-index-url', index]),
    '--target',
    target,
    '-r',
    requirements,
  ];
}

/**
 * A Python for setting up.
 *
 * @throws ERR_PREREQUISITE when there is none, or none with pip where `pip` is asked for.
 */
export function requirePython(env: NodeJS.ProcessEnv, { pip }: { readonly pip: boolean }): Python {
  const python = findPython(env);
  if (python !== null && (!pip || python.pip !== null)) return python;
  const missing = python === null ? 'no python3 on PATH' : `Python ${python.version} without pip`;
  throw new LmError('ERR_PREREQUISITE', `Expected a Python with pip on PATH but found ${missing}`, {
    hint: 'Debian, Ubuntu: apt-get install python3-pip. Fedora: dnf install python3-pip. macOS: brew install python. Or unpack a libtorch yourself and run `npx lm-resnet setup --from DIR`.',
  });
}

/** Settings of the user that contradict an installation into a folder. */
const overridden = { PIP_REQUIRE_VIRTUALENV: '0', PIP_USER: '0', PIP_NO_BINARY: '' } as const;

/**
 * Runs a module as -m does, in a process that the kernel ends with its parent, however that ends: a killed
 * set-up leaves no pip behind. PR_SET_PDEATHSIG is 1; a parent that is gone by then is noticed.
 */
const bound = [
  'import ctypes, os, runpy, sys',
  'sys.platform == "linux" and ctypes.CDLL(None).prctl(1, 9)',
  'os.getppid() == int(sys.argv[1]) or os._exit(1)',
  'sys.argv[3] and runpy.run_path(sys.argv[2])["install"](sys.argv[3])',
  'sys.argv[:4] = []',
  'runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)',
].join('; ');

interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Folder for temporary files. */
  readonly scratch: string;
  /** Folder in which pip keeps what it downloads, to go on from there; it makes it. Default: none. */
  readonly downloads?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a module of Python (`-m` first in `args`).
 *
 * @throws ERR_SETUP with the program's last lines.
 */
export async function runPython(
  python: Python,
  args: readonly string[],
  { env, scratch, downloads = '', signal }: RunOptions,
): Promise<void> {
  const [, ...module] = args;
  const resume = join(packageRoot, 'requirements', 'resume.py');
  const child = spawn(python.command, ['-c', bound, String(process.pid), resume, downloads, ...module], {
    env: { ...env, ...overridden, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  let output = '';
  const collect = (text: string): void => {
    output = (output + text).slice(-20_000);
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  const failure = await new Promise<string | null>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, killer) => resolve(code === 0 ? null : `${killer ?? `exit code ${code}`}`));
  });
  if (signal?.aborted) {
    throw new LmError('ERR_ABORTED', 'Setting up libtorch was aborted', { cause: signal.reason });
  }
  if (failure !== null) throw setupError(`${python.command} ${args[1]} … ${args.at(-1)}`, failure, output);
}

/** True if another index may help: false for a full disk, for refused permissions and for changed files. */
export function mayWorkElsewhere(error: unknown): error is LmError {
  return (
    isLmError(error, 'ERR_SETUP') &&
    !/\b(Errno |OSError\()(13|28|30|122)\b|: E[A-Z]+$|SHA-256/.test(error.message)
  );
}

/** True for a file that has another SHA-256 than it should. */
export function isChanged(error: unknown): boolean {
  return isLmError(error, 'ERR_SETUP') && error.message.includes('SHA-256');
}

function setupError(command: string, failure: string, output: string): LmError {
  const changed = /DO NOT MATCH THE HASHES/.test(output)
    ? output.split('REQUIREMENTS FILE').at(-1)
    : undefined;
  if (changed !== undefined) return changedError(changed);
  const constraint = /\(constraint\) (\S+)/.exec(output)?.[1];
  if (constraint !== undefined) return constrainedError(command, constraint);
  const lines = output.trim().split('\n');
  const errors = lines.filter((line) =>
    /^ERROR(?!: ResolutionImp)|error:|Errno|Could not fetch URL/i.test(line),
  );
  const told = (errors.length > 0 ? errors : lines).slice(-2).join('\n');
  const full = /No space left on device|Errno 28|Errno 122/.test(output);
  const hint = full
    ? 'The disk is full: free some space, or move the cache with the environment LM_RESNET_CACHE.'
    : "Check the network and pip's configuration (`pip config list`), or take a file from elsewhere with `npx lm-resnet setup --from FILE`.";
  return new LmError('ERR_SETUP', `${command} ended with ${failure}:\n${told}`, { hint });
}

function constrainedError(command: string, constraint: string): LmError {
  return new LmError(
    'ERR_SETUP',
    `${command}: pip found no release that its constraint \`${constraint}\` allows`,
    {
      hint: '`pip config list` says where the constraint is. To set it aside once: `PIP_CONSTRAINT=/dev/null npx lm-resnet setup`.',
    },
  );
}

/** @param report pip's text after its headline: the package, its place, the hash expected and the one got. */
function changedError(report: string): LmError {
  const file = /^\s+(\S+.* from \S+)/m.exec(report)?.[1] ?? 'a package';
  const got = /Got\s+([0-9a-f]{64})/.exec(report)?.[1] ?? 'another';
  const wanted = [...report.matchAll(/(?:Expected|or) +sha256 +([0-9a-f]{64})/g)].map(([, hash]) => hash);
  return new LmError(
    'ERR_SETUP',
    `Expected the SHA-256 ${wanted.join(' or ')} for \`${file}\` but received ${got}; nothing was installed`,
    {
      hint: "The index gives another file than the release's, or it was changed on the way. To take a build of your own: `npx lm-resnet setup --from FILE`.",
    },
  );
}
