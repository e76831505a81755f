/** Which ranks `lm-resnet launch` starts on this host, by its flags or the variables of torchrun's agent. */
import { availableCores, defaultThreads } from '../../cores.ts';
import { expected } from '../../errors.ts';
import { native } from '../../native/load.ts';
import type { Environment } from '../../ranks/environment.ts';

/** Flags of `lm-resnet launch` that say where its ranks are. */
export interface LaunchFlags {
  readonly nproc?: string;
  readonly nnodes?: number;
  readonly nodeRank?: string;
  readonly masterAddr?: string;
  readonly masterPort?: number;
}

/** The ranks of this host: their variables, but for the port; null: any that is free. */
interface LaunchPlaces {
  readonly ranks: readonly Readonly<Record<string, string>>[];
  readonly port: number | null;
}

/**
 * The ranks of this host. What no flag says is read from `PET_*`, which Kubeflow sets.
 *
 * @param devices CUDA devices of this host, where they are asked for.
 * @throws ERR_CONFIG naming the flag or the variable that is missing or wrong.
 */
export function placesOf(
  flags: LaunchFlags,
  env: Environment,
  devices: () => number = () => native().info().cudaDevices,
): LaunchPlaces {
  const nproc = flags.nproc === undefined ? undefined : processes('--nproc', flags.nproc, devices);
  const local = nproc ?? processes('PET_NPROC_PER_NODE', text(env, 'PET_NPROC_PER_NODE') ?? '1', devices);
  const nnodes = flags.nnodes ?? count(env, 'PET_NNODES', 1) ?? 1;
  const node =
    number('--node-rank', flags.nodeRank, 0) ??
    count(env, 'PET_NODE_RANK', 0) ??
    (nnodes > 1 ? count(env, 'JOB_COMPLETION_INDEX', 0) : 0);
  if (node === undefined || node >= nnodes)
    throw expected('ERR_CONFIG', `a number below the ${nnodes} hosts`, '--node-rank', node ?? 'nothing');
  const host =
    flags.masterAddr ??
    text(env, 'PET_MASTER_ADDR') ??
    (nnodes === 1 ? '127.0.0.1' : text(env, 'MASTER_ADDR'));
  if (host === undefined)
    throw expected('ERR_CONFIG', 'the host that has number 0', '--master-addr', 'nothing');
  const port = flags.masterPort ?? count(env, 'PET_MASTER_PORT', 1) ?? (nnodes === 1 ? null : 29_500);
  const threads = String(Math.max(1, Math.floor(defaultThreads(env) / local)));
  const ranks = Array.from({ length: local }, (_, i) => ({
    RANK: String(node * local + i),
    WORLD_SIZE: String(nnodes * local),
    LOCAL_RANK: String(i),
    LOCAL_WORLD_SIZE: String(local),
    MASTER_ADDR: host,
    OMP_NUM_THREADS: env.OMP_NUM_THREADS ?? threads,
  }));
  return { ranks, port };
}

/** Processes of a host, in the words of torchrun's --nproc-per-node. */
function processes(name: string, words: string, devices: () => number): number {
  const found = words === 'auto' || words === 'gpu' ? devices() : 0;
  if (words === 'gpu' && found === 0)
    throw expected('ERR_DEVICE', 'GPUs on this host', name, 'gpu, and there is none');
  if (words === 'auto' || words === 'gpu' || words === 'cpu') return found || availableCores();
  return number(name, words, 1) ?? 1;
}

const text = (env: Environment, name: string): string | undefined => env[name] || undefined;

function count(env: Environment, name: string, least: number): number | undefined {
  return number(name, text(env, name), least);
}

function number(name: string, words: string | undefined, least: number): number | undefined {
  if (words === undefined) return undefined;
  const value = /^\d{1,6}$/.test(words) ? Number(words) : Number.NaN;
  if (value >= least) return value;
  throw expected('ERR_CONFIG', `an integer from ${least}`, name, words, {
    ...(name === 'PET_NNODES' && { hint: 'A number of hosts that may change is for torchrun.' }),
  });
}
