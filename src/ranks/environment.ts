/**
 * What launchers tell a process of its place among the ranks of a training: torchrun and Kubernetes'
 * operators, Slurm, Open MPI, other MPIs, and Indexed Jobs, by their environment variables.
 */
import { expected, LmError } from '../errors.ts';
import { firstHost } from './hostList.ts';

/** The place of a process among the ranks of a training. */
export interface RankPlace {
  /** From 0, of all hosts together. */
  readonly rank: number;
  readonly worldSize: number;
  /** From 0, of this host. */
  readonly localRank: number;
  /** Ranks of this host; null where nobody said. */
  readonly localWorldSize: number | null;
  /** Where the ranks meet: host of rank 0, or of an agent. */
  readonly host: string;
  readonly port: number;
  /** Whether this process hosts the store that the ranks meet at: rank 0, unless an agent does. */
  readonly hostsStore: boolean;
  /** Whether an agent hosts it, which starts ranks anew that meet there again. */
  readonly agentStore: boolean;
  /** Tells runs apart that meet at one store. */
  readonly run: string;
  /** Interfaces that ranks talk over, by name, with commas; empty: that which reaches the store. */
  readonly network: string;
  /** Who told: the first variable of the launcher. */
  readonly source: string;
}

/** What is known of a place before the environment is asked. */
export interface GivenPlace {
  readonly rank?: number | undefined;
  readonly worldSize?: number | undefined;
  readonly masterAddr?: string | undefined;
  readonly masterPort?: number | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** torchrun's. */
const defaultPort = 29_500;

/** One launcher: the variables that it sets. */
interface Launcher {
  readonly name: string;
  readonly rank: readonly string[];
  readonly worldSize: readonly string[];
  readonly localRank: readonly string[];
  readonly localWorldSize: readonly string[];
  /** Host of rank 0 where MASTER_ADDR is not set; undefined: it has to be. */
  readonly host?: (env: Environment) => string | undefined;
  /** The port where MASTER_PORT is not set. */
  readonly port?: (env: Environment) => number | undefined;
  readonly run: readonly string[];
  /** What to set where something is missing. */
  readonly hint: string;
}

/** The launchers, in the order in which they are asked. */
const launchers: readonly Launcher[] = [
  {
    name: 'torchrun',
    rank: ['RANK'],
    worldSize: ['WORLD_SIZE'],
    localRank: ['LOCAL_RANK'],
    localWorldSize: ['LOCAL_WORLD_SIZE'],
    run: ['TORCHELASTIC_RUN_ID'],
    hint: 'torchrun and PyTorchJob set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT together.',
  },
  {
    name: 'Slurm',
    rank: ['SLURM_PROCID'],
    worldSize: ['SLURM_STEP_NUM_TASKS', 'SLURM_NTASKS', 'SLURM_NPROCS'],
    localRank: ['SLURM_LOCALID'],
    localWorldSize: [],
    host: (env) => firstHost(env.SLURM_STEP_NODELIST ?? env.SLURM_JOB_NODELIST ?? env.SLURM_NODELIST),
    port: slurmPort,
    run: ['SLURM_JOB_ID', 'SLURM_STEP_ID'],
    hint: 'Start it with srun; or give --world-size 1 to train in one process.',
  },
  {
    name: 'Open MPI',
    rank: ['OMPI_COMM_WORLD_RANK'],
    worldSize: ['OMPI_COMM_WORLD_SIZE'],
    localRank: ['OMPI_COMM_WORLD_LOCAL_RANK'],
    localWorldSize: ['OMPI_COMM_WORLD_LOCAL_SIZE'],
    host: (env) => hereIfAll(env.OMPI_COMM_WORLD_LOCAL_SIZE, env.OMPI_COMM_WORLD_SIZE),
    run: ['OMPI_MCA_ess_base_jobid', 'PMIX_NAMESPACE'],
    hint: 'On several hosts: mpirun -x MASTER_ADDR=HOST -x MASTER_PORT=29500 …',
  },
  {
    name: 'MPI',
    rank: ['PMI_RANK'],
    worldSize: ['PMI_SIZE'],
    localRank: ['MPI_LOCALRANKID', 'PALS_LOCAL_RANKID'],
    localWorldSize: ['MPI_LOCALNRANKS', 'PALS_LOCAL_SIZE'],
    host: (env) => hereIfAll(env.MPI_LOCALNRANKS ?? env.PALS_LOCAL_SIZE, env.PMI_SIZE),
    run: [],
    hint: 'Set MASTER_ADDR, the host of rank 0, for all ranks: mpiexec -genv MASTER_ADDR HOST …',
  },
  {
    name: 'Kubernetes Indexed Job',
    rank: ['JOB_COMPLETION_INDEX'],
    worldSize: ['WORLD_SIZE'],
    localRank: [],
    localWorldSize: [],
    run: ['JOB_NAME'],
    hint: 'Set WORLD_SIZE to the completions of the Job, and MASTER_ADDR to JOB-0.SERVICE of its headless service.',
  },
];

/**
 * The place that options and the environment give a process; null where it is the only one.
 *
 * @param given goes before the environment.
 * @throws ERR_CONFIG naming the variable that is missing or wrong.
 * @example
 * placeOf({}, { RANK: '1', WORLD_SIZE: '2', MASTER_ADDR: 'node7', MASTER_PORT: '29500' });
 */
export function placeOf(given: GivenPlace = {}, env: Environment = process.env): RankPlace | null {
  if (given.worldSize === 1) return null;
  const launcher = launchers.find(({ rank }) => rank.some((name) => isSet(env[name])));
  if (launcher === undefined && given.rank === undefined) return withoutRank(given, env);
  const place = told(given, launcher ?? explicit, env);
  return place.worldSize === 1 ? null : place;
}

/** Where all is given by options. */
const explicit: Launcher = {
  name: 'options',
  rank: [],
  worldSize: [],
  localRank: [],
  localWorldSize: [],
  run: [],
  hint: 'Give --rank, --world-size and --master-addr to every process.',
};

/** A world without a rank is one that somebody forgot. */
function withoutRank({ worldSize }: GivenPlace, env: Environment): null {
  const size = worldSize ?? (isSet(env.WORLD_SIZE) ? integerOf(env, ['WORLD_SIZE'], 1) : undefined) ?? 1;
  if (size === 1) return null;
  throw new LmError('ERR_CONFIG', `Expected the number of this process for \`RANK\` but received nothing`, {
    hint: `WORLD_SIZE is ${size}: a launcher sets RANK beside it, or give --rank.`,
  });
}

function told(given: GivenPlace, launcher: Launcher, env: Environment): RankPlace {
  const { hint, name } = launcher;
  const rank = given.rank ?? integerOf(env, launcher.rank, 0);
  if (rank === undefined) throw missing(launcher.rank[0] ?? 'rank', name, hint);
  const who = ` of rank ${rank}`;
  const worldSize = given.worldSize ?? integerOf(env, launcher.worldSize, 1, { who });
  if (worldSize === undefined) throw missing(launcher.worldSize[0] ?? 'worldSize', name, hint, who);
  if (rank >= worldSize)
    throw expected(
      'ERR_CONFIG',
      `a rank below the ${worldSize} of \`${launcher.worldSize[0] ?? 'worldSize'}\``,
      launcher.rank[0] ?? 'rank',
      rank,
      { hint },
    );
  const isAlone = worldSize === 1;
  const host =
    given.masterAddr ?? text(env.MASTER_ADDR) ?? launcher.host?.(env) ?? (isAlone ? '127.0.0.1' : undefined);
  if (host === undefined) throw missing('MASTER_ADDR', name, hint, who);
  const agentStore = env.TORCHELASTIC_USE_AGENT_STORE === 'True';
  const port =
    given.masterPort ??
    integerOf(env, ['MASTER_PORT'], 1, { who, most: 65_535 }) ??
    launcher.port?.(env) ??
    defaultPort;
  return {
    rank,
    worldSize,
    localRank: integerOf(env, launcher.localRank, 0, { who }) ?? 0,
    localWorldSize: integerOf(env, launcher.localWorldSize, 1, { who }) ?? null,
    host,
    port,
    hostsStore: rank === 0 && !agentStore,
    agentStore,
    // without TORCHELASTIC_RESTART_COUNT, which agents of several hosts count each for itself
    run: launcher.run.map((variable) => env[variable] ?? '').join('/'),
    network: text(env.GLOO_SOCKET_IFNAME) ?? '',
    source: name,
  };
}

/**
 * Jobs of one host must not meet at one port: the last digits of the job's number choose it, as in
 * Lightning.
 */
function slurmPort({ SLURM_JOB_ID: job }: Environment): number | undefined {
  const digits = /\d{1,4}$/.exec(job ?? '')?.[0];
  return digits === undefined ? undefined : 15_000 + Number(digits);
}

/** This host, where all ranks are here. */
function hereIfAll(local: string | undefined, all: string | undefined): string | undefined {
  return isSet(local) && local === all ? '127.0.0.1' : undefined;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';
const text = (value: string | undefined): string | undefined => (isSet(value) ? value : undefined);

/** The first of some variables that is set, as an integer. */
function integerOf(
  env: Environment,
  names: readonly string[],
  least: number,
  { who = '', most = 2 ** 20 }: { readonly who?: string; readonly most?: number } = {},
): number | undefined {
  const name = names.find((one) => isSet(env[one]));
  if (name === undefined) return undefined;
  const value = env[name] ?? '';
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw expected('ERR_CONFIG', `an integer from ${least} to ${most}`, name, value, {
    hint: `It is a variable of the environment${who}: launchers set it.`,
  });
}

function missing(variable: string, launcher: string, hint: string, who = ''): LmError {
  return new LmError(
    'ERR_CONFIG',
    `Expected a value for \`${variable}\` in the environment${who}, which looks like ${launcher}'s, but received nothing`,
    { hint },
  );
}
