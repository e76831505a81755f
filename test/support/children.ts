/** Child processes that run compiled modules. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { dist, type Ended } from './libtorch.ts';

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with all of standard error so far whenever it grows. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs a program to its end. */
export function runProgram(
  file: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Ended> {
  const { cwd, env, onStderr } = options;
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
    onStderr?.(stderr, (signal) => child.kill(signal));
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs the command line of this package. */
export function runCli(args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return runProgram(process.execPath, [join(dist, 'cli', 'main.js'), ...args], options);
}

/**
 * Runs a module text in a Node that may write files of so many KiB at most: a disk that refuses, without
 * root.
 */
export function runWithSmallFiles(kib: number, program: string): Promise<Ended> {
  const limited = `ulimit -f ${kib}; exec "$0" --input-type=module -e "$1"`;
  return runProgram('bash', ['-c', limited, process.execPath, program]);
}
