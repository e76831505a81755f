/**
 * Loads libtorch and the addon in a child process, so that a crash is a finding and not the end of this
 * process.
 */
import { spawn } from 'node:child_process';
import { must } from '../must.ts';

/** What the addon says of itself. */
export interface AddonInfo {
  /** Version of libtorch that it was built for. */
  readonly builtFor: string;
  readonly cpuCapability: string;
  readonly cudaDevices: number;
  /** Whether the processor multiplies bfloat16 natively (AMX): what `amp: auto` goes by. */
  readonly bfloat16: boolean;
}

export interface ProbeResult {
  readonly ok: boolean;
  /** What the addon says of itself; null when it did not load, or only libtorch was opened. */
  readonly info: AddonInfo | null;
  /** Why it failed: the linker's text, the signal, or the time-out. */
  readonly problem: string | null;
  /** OpenMP libraries mapped in the child: more than one slow each other down or crash. */
  readonly openmp: readonly string[];
  readonly seconds: number;
}

export interface ProbeOptions {
  readonly libraries: readonly string[];
  readonly opener: string;
  /** Left out: only libtorch is opened. */
  readonly addon?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  /** 60 by default. */
  readonly timeoutSeconds?: number;
}

/** Text of the child's program: the same steps as load.ts, with what it finds printed as one line of JSON. */
const program = `
const { readFileSync, writeSync } = require('node:fs');
const { libraries, opener, addon } = JSON.parse(process.argv[1]);
const load = (file) => {
  const module = { exports: {} };
  process.dlopen(module, file, require('node:os').constants.dlopen.RTLD_NOW);
  return module.exports;
};
const attempt = () => {
  const problem = load(opener).open(libraries);
  if (problem !== null || !addon) return { problem, info: null };
  const native = load(addon);
  return { problem, info: { ...native.info(), bfloat16: native.multipliesBfloat16('cpu') } };
};
let result;
try { result = attempt(); } catch (error) { result = { problem: String(error.message), info: null }; }
const maps = readFileSync('/proc/self/maps', 'utf8');
const openmp = [...new Set(maps.match(/\\/.*\\/lib(?:gomp|iomp5|omp)[^/]*\\.so[^\\s]*/g))];
writeSync(1, 'LM_PROBE ' + JSON.stringify({ ...result, openmp }) + '\\n');
`;

/**
 * Opens `libraries` and loads the addon in a child process. Never fails: what goes wrong is in the result.
 */
export async function probeLibtorch(options: ProbeOptions): Promise<ProbeResult> {
  const start = performance.now();
  const { output, failure } = await run(options);
  const seconds = Math.round(performance.now() - start) / 1000;
  const line = /^LM_PROBE (.*)$/m.exec(output)?.[1];
  const found: Pick<ProbeResult, 'info' | 'problem' | 'openmp'> =
    line === undefined ? { info: null, problem: failure ?? lastLine(output), openmp: [] } : JSON.parse(line);
  const problem = found.problem ?? failure;
  return { ...found, ok: problem === null, problem, seconds };
}

interface Ended {
  readonly output: string;
  /** How the child ended, unless well. */
  readonly failure: string | null;
}

function run({
  libraries,
  opener,
  addon,
  env = process.env,
  timeoutSeconds = 60,
}: ProbeOptions): Promise<Ended> {
  const argument = JSON.stringify({ libraries, opener, addon });
  const { NODE_OPTIONS: _, ...inherited } = env;
  const child = spawn(process.execPath, ['-e', program, argument], {
    env: inherited,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutSeconds * 1000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  const collect = (text: string): void => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ output, failure: error.message }));
    child.on('close', (code, signal) =>
      resolve({ output, failure: ending(code, signal, child.killed, output) }),
    );
  });
}

function ending(code: number | null, signal: string | null, killed: boolean, output: string): string | null {
  if (killed) return 'the load test did not end in time';
  if (signal !== null) return `the load test died of ${signal}: ${lastLine(output)}`;
  return code === 0 ? null : `the load test ended with exit code ${code}: ${lastLine(output)}`;
}

function lastLine(output: string): string {
  return must(output.trim().split('\n').at(-1));
}
