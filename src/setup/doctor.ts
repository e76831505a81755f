/** Examines the machine: what is there, what is missing, and whether libtorch and the addon load. */
import { cpus, freemem, release, totalmem } from 'node:os';
import { availableCores } from '../cores.ts';
import { isLmError } from '../errors.ts';
import { type Binaries, binariesProblem, packageVersion, presentBinaries } from './binaries.ts';
import { cacheFolder } from './cache.ts';
import { cudaProblem, driverRelease, hasDriver } from './driver.ts';
import { isExplicit, type Libtorch, type LibtorchCandidate, libtorchCandidates } from './libtorch.ts';
import { glibcVersion, platformProblem } from './platform.ts';
import { type ProbeResult, probeLibtorch } from './probe.ts';
import { ask, findPython } from './python.ts';

/** A program that a build or set-up uses; null where it is not there. */
export interface Tools {
  readonly compiler: string | null;
  readonly cmake: string | null;
  readonly ninja: string | null;
  readonly make: string | null;
  readonly python: string | null;
  readonly pip: string | null;
}

export interface Gpu {
  readonly name: string;
  readonly driver: string;
  readonly memoryMiB: number;
  readonly computeCapability: string;
}

/** Everything `lm-resnet doctor` finds, as plain JSON data. */
export interface Report {
  readonly package: string;
  readonly node: string;
  readonly platform: string;
  /** Null where the C library is another one. */
  readonly glibc: string | null;
  readonly cpu: { readonly model: string; readonly cores: number; readonly available: number };
  readonly memory: { readonly totalMiB: number; readonly freeMiB: number };
  readonly gpus: readonly Gpu[];
  /** Whether there is a driver of NVIDIA's GPUs. */
  readonly driver: boolean;
  /** Null for a user without a home. */
  readonly cache: string | null;
  readonly candidates: readonly LibtorchCandidate[];
  /** The libtorch that would be used; null when none is. */
  readonly libtorch: Libtorch | null;
  /** Minor releases of libtorch that there is an addon for, newest first. */
  readonly carries: readonly string[];
  /** Paths of the binaries that are there. */
  readonly binaries: Pick<Binaries, 'addons' | 'graphs' | 'nccl'> & Partial<Binaries>;
  readonly tools: Tools;
  /** Null when there was nothing to load. */
  readonly load: ProbeResult | null;
  /** True when libtorch and the addon load. */
  readonly ok: boolean;
  /** What to do, most important first; empty when all is well. */
  readonly advice: readonly string[];
}

export interface DiagnoseOptions {
  /** Folder to examine as `init({ libtorch })` would. */
  readonly libtorch?: string | undefined;
  /** Environment to read, `process.env` by default. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/**
 * Examines this machine. Never fails for what it finds: a missing tool, a wrong libtorch or a crash is part
 * of the report.
 *
 * @example
 * const { ok, advice } = await diagnose();
 */
export async function diagnose({ libtorch, env = process.env }: DiagnoseOptions = {}): Promise<Report> {
  const candidates = libtorchCandidates({ libtorch, env });
  const chosen = firstChoice(candidates);
  const binaries = presentBinaries();
  const facts = {
    package: packageVersion(),
    node: process.version,
    platform: `${process.platform}-${process.arch} ${release()}`,
    glibc: glibcVersion(),
    cpu: { model: cpus()[0]?.model ?? 'unknown', cores: cpus().length, available: availableCores() },
    memory: { totalMiB: mebibytes(totalmem()), freeMiB: mebibytes(freemem()) },
    gpus: gpus(env),
    driver: hasDriver(),
    cache: cacheOrNull(env),
    candidates,
    libtorch: chosen,
    carries: Object.keys(binaries.addons),
    binaries,
    tools: tools(env),
    load: await loadTest(chosen, binaries, env),
  };
  const ok = facts.load?.ok === true && facts.load.info !== null;
  return { ...facts, ok, advice: advise(facts) };
}

function cacheOrNull(env: NodeJS.ProcessEnv): string | null {
  try {
    return cacheFolder(env);
  } catch (error) {
    if (isLmError(error, 'ERR_PREREQUISITE')) return null;
    throw error;
  }
}

/** As findLibtorch chooses: one that was named explicitly is taken or nothing is. */
function firstChoice(candidates: readonly LibtorchCandidate[]): Libtorch | null {
  return (
    candidates.find((candidate) => candidate.libtorch !== null || isExplicit(candidate))?.libtorch ?? null
  );
}

async function loadTest(
  libtorch: Libtorch | null,
  { opener, addons }: Report['binaries'],
  env: NodeJS.ProcessEnv,
): Promise<ProbeResult | null> {
  if (libtorch === null || opener === undefined) return null;
  return probeLibtorch({ libraries: libtorch.libraries, opener, addon: addons[libtorch.minor], env });
}

function tools(env: NodeJS.ProcessEnv): Tools {
  const version = (command: string): string | null => firstLine(ask(command, ['--version'], env));
  const python = findPython(env);
  const compilers = [env.CXX, 'c++', 'g++', 'clang++'].filter((name) => name !== undefined && name !== '');
  return {
    compiler: compilers.map((name) => version(String(name))).find((text) => text !== null) ?? null,
    cmake: version('cmake'),
    ninja: version('ninja'),
    make: version('make'),
    python: python === null ? null : `${python.command} ${python.version}`,
    pip: python?.pip ?? null,
  };
}

function gpus(env: NodeJS.ProcessEnv): Gpu[] {
  const query = '--query-gpu=name,driver_version,memory.total,compute_cap';
  const table = ask('nvidia-smi', [query, '--format=csv,noheader,nounits'], env) ?? '';
  const rows = table.split('\n').filter((line) => line.includes(','));
  return rows.map((line) => {
    const [name = '', driver = '', memory = '', computeCapability = ''] = line
      .split(',')
      .map((cell) => cell.trim());
    return { name, driver, memoryMiB: Number(memory) || 0, computeCapability };
  });
}

type Facts = Omit<Report, 'ok' | 'advice'>;

function advise(facts: Facts): string[] {
  const { libtorch, load, candidates } = facts;
  const advice: (string | null)[] = [
    platformProblem(),
    libtorch === null ? adviseLibtorch(candidates) : null,
    binariesProblem(),
    load !== null && !load.ok ? `Loading failed: ${load.problem}` : null,
    (load?.openmp.length ?? 0) > 1
      ? `Several OpenMP libraries are loaded, which slow each other down or crash: ${load?.openmp.join(', ')}.`
      : null,
    adviseCuda(facts),
  ];
  return advice.filter((line) => line !== null);
}

/** Why there is no CUDA, where it was to be expected. */
function adviseCuda({ libtorch, load, gpus, driver }: Facts): string | null {
  const devices = load?.info?.cudaDevices;
  if (libtorch === null || devices === undefined) return null;
  const release = gpus[0]?.driver ?? driverRelease();
  const problem = cudaProblem({ libtorch, devices, driver: driver || gpus.length > 0, release });
  if (problem === null || !problem.unexpected) return null;
  return `\`auto\` computes on the CPU: ${problem.reason}. ${problem.remedy}`;
}

function adviseLibtorch(candidates: readonly LibtorchCandidate[]): string {
  const named = candidates.find(isExplicit);
  if (named !== undefined) return `Correct or unset ${named.source}: ${named.refused}.`;
  return 'Run `npx lm-resnet setup` to install libtorch.';
}

function firstLine(text: string | null): string | null {
  return text?.split('\n')[0] ?? null;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
