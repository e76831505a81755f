/** The pip commands of `lm-resnet setup`: what they are, and running one with its failure explained. */
import { spawn } from 'node:child_process';
import { isLmError, LmError } from '../errors.ts';
import { must } from '../must.ts';
import { type Flavour, libtorchRelease } from './examine.ts';
import { findPython, type Python } from './python.ts';

/** PyTorch's own index of builds without CUDA. */
const cpuIndex = 'https://download.pytorch.org/whl/cpu';

/**
 * An index that is down must not cost minutes: one try, 15 seconds without an answer. Flags win over the
 * user's configuration, which otherwise holds.
 */
const bounded = ['--disable-pip-version-check', '--no-input', '--retries', '0', '--timeout', '15'] as const;

/** Minor releases of Python that torch has wheels for; libtorch in them is the same, so that any will do. */
const wheelPythons = { oldest: 10, newest: 14 } as const;

/** One way to get libtorch. */
export interface Attempt {
  readonly flavour: Flavour;
  readonly requirement: string;
  readonly indexes: readonly string[];
}

/** The ways to get libtorch, in order: the first that works is taken. */
export function attempts(cuda: boolean): Attempt[] {
  const fromPyPI: Attempt = { flavour: 'cuda', requirement: `torch===${libtorchRelease}`, indexes: [] };
  if (cuda) return [fromPyPI];
  const requirement = `torch==${libtorchRelease}+cpu`;
  return [
    { flavour: 'cpu', requirement, indexes: [] },
    { flavour: 'cpu', requirement, indexes: [cpuIndex] },
    fromPyPI,
  ];
}

/** Arguments for Python that install requirements into a folder, dependencies only when asked for. */
export function pipArguments(
  target: string,
  requirements: readonly string[],
  options: { readonly python: Python; readonly indexes?: readonly string[]; readonly dependencies?: boolean },
): string[] {
  const { python, indexes = [], dependencies = false } = options;
  return [
    '-m',
    'pip',
    'install',
    ...bounded,
    '--no-user',
    '--only-binary=:all:',
    ...(dependencies ? [] : ['--no-deps']),
    ...foreignPython(python),
    ...indexes.flatMap((index) => ['--extra-index-url', index]),
    '--target',
    target,
    ...requirements,
  ];
}

/** A Python that torch has no wheels for takes those of another one. */
function foreignPython({ version }: Python): string[] {
  const [major, minor = 0] = version.split('.').map(Number);
  const served = major === 3 && minor >= wheelPythons.oldest && minor <= wheelPythons.newest;
  return served ? [] : ['--python-version', '3.12'];
}

/**
 * CUDA's own libraries among a wheel's requirements, without what only Python code uses.
 *
 * @param metadata text of the wheel's METADATA.
 */
export function cudaRequirements(metadata: string): string[] {
  const requirements = [...metadata.matchAll(/^Requires-Dist:\s*(.+)$/gm)].map((match) =>
    must(match[1]).trim(),
  );
  return requirements.filter(
    (text) =>
      /^(nvidia-|cuda-)/.test(text) && !/^cuda-(bindings|python)\b/.test(text) && !/\bextra\s*==/.test(text),
  );
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
  'sys.argv[:2] = []',
  'runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)',
].join('; ');

/**
 * Runs a module of Python (`-m` first in `args`) with temporary files in `scratch`.
 *
 * @throws ERR_SETUP with the program's last lines.
 */
export async function runPython(
  python: Python,
  args: readonly string[],
  { env, scratch, signal }: { env: NodeJS.ProcessEnv; scratch: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const [, ...module] = args;
  const child = spawn(python.command, ['-c', bound, String(process.pid), ...module], {
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
  if (signal?.aborted) throw new LmError('ERR_ABORTED', 'Setting up libtorch was aborted');
  if (failure !== null) throw setupError(`${python.command} ${args[1]} … ${args.at(-1)}`, failure, output);
}

/** True if another index may help: false for a full disk and for refused permissions. */
export function mayWorkElsewhere(error: unknown): error is LmError {
  return (
    isLmError(error, 'ERR_SETUP') && !/\b(Errno |OSError\()(13|28|30|122)\b|: E[A-Z]+$/.test(error.message)
  );
}

function setupError(command: string, failure: string, output: string): LmError {
  const lines = output.trim().split('\n');
  const errors = lines.filter((line) => /^ERROR|error:|Errno|Could not fetch URL/i.test(line));
  const told = (errors.length > 0 ? errors : lines).slice(-2).join('\n');
  const full = /No space left on device|Errno 28|Errno 122/.test(output);
  const hint = full
    ? 'The disk is full: free some space, or move the cache with the environment LM_RESNET_CACHE.'
    : "Check the network and pip's configuration (`pip config list`), or take a file from elsewhere with `npx lm-resnet setup --from FILE`.";
  return new LmError('ERR_SETUP', `${command} ended with ${failure}:\n${told}`, { hint });
}
