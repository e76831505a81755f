import { describe, expect, it } from 'vitest';
import { type LaunchFlags, placesOf } from '../../../src/cli/launch/places.ts';
import { availableCores } from '../../../src/cores.ts';
import type { Environment } from '../../../src/ranks/environment.ts';
import { thrown } from '../../support/errors.ts';

/** What Kubeflow Trainer sets for the second of two pods. */
const trainer: Environment = {
  PET_NNODES: '2',
  PET_NPROC_PER_NODE: '2',
  PET_NODE_RANK: '1',
  PET_MASTER_ADDR: 'job-node-0-0.job',
  PET_MASTER_PORT: '29500',
};

interface Row {
  readonly says: string;
  readonly env?: Environment;
  readonly flags?: LaunchFlags;
  readonly devices?: number;
  /** Numbers of the ranks of this host, and of those in all. */
  readonly ranks: readonly [string[], string];
  readonly host?: string;
  readonly port?: number | null;
}

const two: readonly [string[], string] = [['2', '3'], '4'];
const all = availableCores();

const rows: readonly Row[] = [
  { says: 'nobody', ranks: [['0'], '1'], host: '127.0.0.1', port: null },
  { says: 'Kubeflow Trainer', env: trainer, ranks: two, host: 'job-node-0-0.job', port: 29_500 },
  {
    says: 'Kubeflow Trainer, of the GPUs of a host',
    env: { ...trainer, PET_NPROC_PER_NODE: 'gpu' },
    devices: 2,
    ranks: two,
  },
  {
    says: 'PyTorchJob, of all there is',
    env: { PET_NPROC_PER_NODE: 'auto' },
    devices: 1,
    ranks: [['0'], '1'],
  },
  {
    says: 'PyTorchJob, of all there is, without a GPU',
    env: { PET_NPROC_PER_NODE: 'auto' },
    ranks: [Array.from({ length: all }, (_, i) => String(i)), String(all)],
  },
  {
    says: 'an Indexed Job',
    env: { PET_NNODES: '4', JOB_COMPLETION_INDEX: '3', MASTER_ADDR: 'train-0.train' },
    ranks: [['3'], '4'],
    host: 'train-0.train',
    port: 29_500,
  },
  {
    says: 'a user, before the environment',
    env: trainer,
    flags: { nproc: '1', nnodes: 3, nodeRank: '2', masterAddr: 'a', masterPort: 5 },
    ranks: [['2'], '3'],
    host: 'a',
    port: 5,
  },
];

describe('placesOf', () => {
  it.each(rows)('starts the ranks that $says wants', ({ env = {}, flags = {}, devices = 0, ...wanted }) => {
    const { ranks, port } = placesOf(flags, env, () => devices);
    const [own, world] = wanted.ranks;
    expect(ranks.map(({ RANK }) => RANK)).toEqual(own);
    expect(ranks.map(({ LOCAL_RANK }) => LOCAL_RANK)).toEqual(own.map((_, i) => String(i)));
    for (const rank of ranks)
      expect(rank).toMatchObject({ WORLD_SIZE: world, LOCAL_WORLD_SIZE: `${own.length}` });
    if (wanted.host !== undefined) expect(ranks[0]?.MASTER_ADDR).toBe(wanted.host);
    if (wanted.port !== undefined) expect(port).toBe(wanted.port);
  });

  it.each<[string, Environment]>([
    ['PET_NPROC_PER_NODE', { ...trainer, PET_NPROC_PER_NODE: 'two' }],
    ['PET_NNODES', { ...trainer, PET_NNODES: '1:4' }],
    ['PET_NODE_RANK', { ...trainer, PET_NODE_RANK: '-1' }],
    ['--node-rank', { ...trainer, PET_NODE_RANK: '2' }],
    ['--node-rank', { ...trainer, PET_NODE_RANK: undefined }],
    ['--master-addr', { ...trainer, PET_MASTER_ADDR: '' }],
    ['PET_MASTER_PORT', { ...trainer, PET_MASTER_PORT: 'http' }],
  ])('names %s where it is wrong or missing', (name, env) => {
    const error = thrown(() => placesOf({}, env, () => 0));
    expect(error.code).toBe('ERR_CONFIG');
    expect(error.text).toContain(`\`${name}\``);
  });

  it('needs a GPU where one is asked for', () => {
    expect(thrown(() => placesOf({ nproc: 'gpu' }, {}, () => 0)).code).toBe('ERR_DEVICE');
  });
});
