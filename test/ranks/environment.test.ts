import { describe, expect, it } from 'vitest';
import { type Environment, type GivenPlace, placeOf, type RankPlace } from '../../src/ranks/environment.ts';
import { firstHost } from '../../src/ranks/hostList.ts';
import { thrown } from '../support/errors.ts';

interface Row {
  readonly launcher: string;
  readonly env: Environment;
  readonly given?: GivenPlace;
  readonly place: Partial<RankPlace> | null;
}

/** What each launcher sets, of rank 3 of 4, the second of its host, where nothing else is said. */
const rows: readonly Row[] = [
  {
    launcher: 'torchrun',
    env: {
      RANK: '3',
      WORLD_SIZE: '4',
      LOCAL_RANK: '1',
      LOCAL_WORLD_SIZE: '2',
      GROUP_RANK: '1',
      MASTER_ADDR: 'node0',
      MASTER_PORT: '29400',
      TORCHELASTIC_RUN_ID: 'job7',
      TORCHELASTIC_RESTART_COUNT: '2',
    },
    place: {
      rank: 3,
      worldSize: 4,
      localRank: 1,
      localWorldSize: 2,
      host: 'node0',
      port: 29_400,
      hostsStore: false,
      run: 'job7',
    },
  },
  {
    launcher: 'torchrun, rank 0, whose agent hosts the store',
    env: {
      RANK: '0',
      WORLD_SIZE: '2',
      MASTER_ADDR: 'a',
      MASTER_PORT: '1',
      TORCHELASTIC_USE_AGENT_STORE: 'True',
    },
    place: { rank: 0, hostsStore: false, agentStore: true },
  },
  {
    launcher: 'PyTorchJob, rank 0',
    env: {
      RANK: '0',
      WORLD_SIZE: '2',
      MASTER_ADDR: 'a',
      MASTER_PORT: '23456',
      TORCHELASTIC_USE_AGENT_STORE: 'False',
    },
    place: { rank: 0, port: 23_456, hostsStore: true, agentStore: false },
  },
  {
    launcher: 'srun',
    env: {
      SLURM_PROCID: '3',
      SLURM_NTASKS: '4',
      SLURM_LOCALID: '1',
      SLURM_NODEID: '1',
      SLURM_JOB_NODELIST: 'gpu[007-008]',
      SLURM_JOB_ID: '123456',
    },
    place: { rank: 3, worldSize: 4, localRank: 1, host: 'gpu007', port: 18_456, hostsStore: false },
  },
  {
    launcher: 'srun, a step of fewer tasks than the job has',
    env: {
      SLURM_PROCID: '0',
      SLURM_NTASKS: '8',
      SLURM_STEP_NUM_TASKS: '4',
      SLURM_STEP_NODELIST: 'b2',
      SLURM_JOB_NODELIST: 'a1,b2',
    },
    place: { rank: 0, worldSize: 4, host: 'b2', port: 29_500, hostsStore: true },
  },
  {
    launcher: 'srun of one task, or a shell of salloc',
    env: { SLURM_PROCID: '0', SLURM_NTASKS: '1', SLURM_JOB_NODELIST: 'a1' },
    place: null,
  },
  {
    launcher: 'Open MPI on one host',
    env: {
      OMPI_COMM_WORLD_RANK: '3',
      OMPI_COMM_WORLD_SIZE: '4',
      OMPI_COMM_WORLD_LOCAL_RANK: '3',
      OMPI_COMM_WORLD_LOCAL_SIZE: '4',
    },
    place: { rank: 3, worldSize: 4, localRank: 3, localWorldSize: 4, host: '127.0.0.1' },
  },
  {
    launcher: 'Open MPI on two hosts',
    env: {
      OMPI_COMM_WORLD_RANK: '3',
      OMPI_COMM_WORLD_SIZE: '4',
      OMPI_COMM_WORLD_LOCAL_RANK: '1',
      OMPI_COMM_WORLD_LOCAL_SIZE: '2',
      MASTER_ADDR: 'head',
      MASTER_PORT: '1234',
    },
    place: { rank: 3, localRank: 1, host: 'head', port: 1234 },
  },
  {
    launcher: 'MPICH or Intel MPI',
    env: { PMI_RANK: '3', PMI_SIZE: '4', MPI_LOCALRANKID: '1', MPI_LOCALNRANKS: '2', MASTER_ADDR: 'head' },
    place: { rank: 3, worldSize: 4, localRank: 1, localWorldSize: 2, host: 'head' },
  },
  {
    launcher: 'an Indexed Job of Kubernetes',
    env: { JOB_COMPLETION_INDEX: '3', WORLD_SIZE: '4', MASTER_ADDR: 'train-0.train' },
    place: { rank: 3, worldSize: 4, localRank: 0, host: 'train-0.train', port: 29_500 },
  },
  {
    launcher: 'options alone',
    env: {},
    given: { rank: 1, worldSize: 2, masterAddr: 'a', masterPort: 5 },
    place: { rank: 1, worldSize: 2, host: 'a', port: 5, source: 'options' },
  },
  {
    launcher: 'options that go before',
    env: { RANK: '3', WORLD_SIZE: '4', MASTER_ADDR: 'node0', MASTER_PORT: '29400' },
    given: { rank: 0, worldSize: 2, masterAddr: 'a', masterPort: 5 },
    place: { rank: 0, worldSize: 2, host: 'a', port: 5, hostsStore: true },
  },
  {
    launcher: 'options for a process alone',
    env: { SLURM_PROCID: '0', SLURM_NTASKS: '8', SLURM_JOB_NODELIST: 'a' },
    given: { worldSize: 1 },
    place: null,
  },
  {
    launcher: 'both torchrun and Slurm, under which it was started',
    env: {
      RANK: '1',
      WORLD_SIZE: '2',
      MASTER_ADDR: 'a',
      MASTER_PORT: '1',
      SLURM_PROCID: '0',
      SLURM_NTASKS: '1',
    },
    place: { rank: 1, worldSize: 2, source: 'torchrun' },
  },
  {
    launcher: 'a network of its own',
    env: { RANK: '1', WORLD_SIZE: '2', MASTER_ADDR: 'a', GLOO_SOCKET_IFNAME: 'ib0,ib1' },
    place: { network: 'ib0,ib1', port: 29_500 },
  },
  { launcher: 'nobody', env: { MASTER_ADDR: 'a', LOCAL_RANK: '0', RANK: '' }, place: null },
];

describe('placeOf', () => {
  it.each(rows)('reads the place that $launcher gives', ({ env, given, place }) => {
    const found = placeOf(given, env);
    if (place === null) expect(found).toBeNull();
    else expect(found).toMatchObject(place);
  });

  const torchrun = { RANK: '1', WORLD_SIZE: '2', MASTER_ADDR: 'a', MASTER_PORT: '1' };
  it.each<[string, Environment, string]>([
    ['no world', { ...torchrun, WORLD_SIZE: undefined }, 'WORLD_SIZE'],
    ['no rank', { ...torchrun, RANK: undefined }, 'RANK'],
    ['no master', { ...torchrun, MASTER_ADDR: '' }, 'MASTER_ADDR'],
    ['a rank that is no number', { ...torchrun, RANK: 'one' }, 'RANK'],
    ['a negative rank', { ...torchrun, RANK: '-1' }, 'RANK'],
    ['a rank beyond the world', { ...torchrun, RANK: '2' }, 'RANK'],
    ['a world of none', { ...torchrun, WORLD_SIZE: '0' }, 'WORLD_SIZE'],
    ['a port beyond all ports', { ...torchrun, MASTER_PORT: '70000' }, 'MASTER_PORT'],
    [
      'MPI ranks on several hosts and no master',
      { PMI_RANK: '0', PMI_SIZE: '4', MPI_LOCALNRANKS: '2' },
      'MASTER_ADDR',
    ],
    ['an Indexed Job without its size', { JOB_COMPLETION_INDEX: '0', MASTER_ADDR: 'a' }, 'WORLD_SIZE'],
    ['tasks of Slurm without a list of nodes', { SLURM_PROCID: '0', SLURM_NTASKS: '2' }, 'MASTER_ADDR'],
  ])('names the variable for %s', (_, env, name) => {
    const error = thrown(() => placeOf({}, env));
    expect(error.code).toBe('ERR_CONFIG');
    expect(error.text).toContain(`\`${name}\``);
  });

  it.each<[string, Environment]>([
    ['no world', { ...torchrun, WORLD_SIZE: undefined }],
    ['no master', { ...torchrun, MASTER_ADDR: '' }],
    ['a port that is no number', { ...torchrun, MASTER_PORT: 'http' }],
  ])('names the rank that has %s', (_, env) => {
    expect(thrown(() => placeOf({}, env)).text).toContain('of rank 1');
  });
});

describe('firstHost', () => {
  it.each([
    ['n[1-4]', 'n1'],
    ['gpu[007-009,12],login1', 'gpu007'],
    ['a,b', 'a'],
    ['rack[2-3]node[05,7]', 'rack2node05'],
    ['host-1.example', 'host-1.example'],
    ['', undefined],
    [undefined, undefined],
  ])('of %j is %j', (list, host) => {
    expect(firstHost(list)).toBe(host);
  });
});
