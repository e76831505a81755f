/** The Python on PATH: which libtorch its `torch` has, and whether it has pip. */
import { spawnSync } from 'node:child_process';

/** Names to try, in order. An active virtual environment puts its own first on PATH. */
export const pythonNames = ['python3', 'python'] as const;

/** The current folder is left out: it may hold a `torch` or a `pip` of its own. */
const withoutFolder = `
import sys
sys.path[:] = [p for p in sys.path if p]`;

/** Finds the package without importing it. */
const findTorch = `${withoutFolder}
import importlib.util
spec = importlib.util.find_spec('torch')
places = spec.submodule_search_locations if spec else None
print(places[0] if places else '')`;

/** The version and that of pip, each a line: a start of Python, or of what stands before it, takes long. */
const versions = `${withoutFolder}
print('.'.join(map(str, sys.version_info[:3])))
try:
    import pip
    print(pip.__version__)
except Exception:
    pass`;

export interface Python {
  readonly command: string;
  /** Such as "3.11.7". */
  readonly version: string;
  /** Version of its pip; null when it has none. */
  readonly pip: string | null;
}

/** Folder of the `torch` package of the active Python; null when there is no Python or it has no torch. */
export function pythonTorch(env: NodeJS.ProcessEnv = process.env): string | null {
  for (const name of pythonNames) {
    const folder = ask(name, ['-c', findTorch], env)?.split('\n').at(-1);
    if (folder) return folder;
  }
  return null;
}

/** The first Python on PATH, one with pip before one without; null when there is none. */
export function findPython(env: NodeJS.ProcessEnv = process.env): Python | null {
  let first: Python | null = null;
  for (const name of pythonNames) {
    const python = describe(name, env);
    if (python?.pip) return python;
    first ??= python;
  }
  return first;
}

function describe(command: string, env: NodeJS.ProcessEnv): Python | null {
  const [version, pip = null] = ask(command, ['-c', versions], env)?.split('\n') ?? [];
  return version ? { command, version, pip } : null;
}

/** What a program prints, trimmed; null when it is missing, fails or takes longer than 20 seconds. */
export function ask(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): string | null {
  const { status, stdout } = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.trim() : null;
}
