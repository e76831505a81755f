/** `lm-resnet launch` */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { defaultThreads } from '../../cores.ts';
import { expected } from '../../errors.ts';
import { countOption } from '../flags.ts';
import { launchRanks } from '../launch.ts';
import { Verdict } from '../output/verdict.ts';

interface Flags {
  readonly nproc?: number;
  readonly nnodes?: number;
  readonly nodeRank?: string;
  readonly masterAddr?: string;
  readonly masterPort?: number;
  readonly logs?: string;
}

const examples = `
Examples:
  $ lm-resnet launch --nproc 4 -- train --data cifar10:DIR --batch 32        4 processes of this host, 128 images in a step
  $ lm-resnet launch --nproc 8 --nnodes 2 --node-rank 0 --master-addr node0 -- train --data imageFolder:DIR   on node0
  $ lm-resnet launch --nproc 8 --nnodes 2 --node-rank 1 --master-addr node0 -- train --data imageFolder:DIR   on node1

What is left out is read from PET_NPROC_PER_NODE, PET_NNODES, PET_NODE_RANK (or JOB_COMPLETION_INDEX), PET_MASTER_ADDR and
PET_MASTER_PORT, which Kubeflow Trainer sets. Signals reach every rank; where one rank fails the others end too.`;

/** Adds the command `launch`. */
export function addLaunch(program: Command): void {
  program
    .command('launch')
    .description('start several processes of a command, which train together: -- train …')
    .argument('<command...>', 'command of lm-resnet with its options, after --')
    .addOption(countOption('nproc', 'processes of this host (default: 1)'))
    .addOption(countOption('nnodes', 'hosts in all (default: 1)'))
    .addOption(new Option('--node-rank <number>', 'number of this host, from 0'))
    .addOption(new Option('--master-addr <host>', 'host 0, at which the ranks meet (default: this one)'))
    .addOption(countOption('master-port', 'port there (default: 29500; a free one where there is one host)'))
    .option('--logs <folder>', 'keep what each rank says in rank-0.log, rank-1.log, … there')
    .addHelpText('before', `${examples.trimStart()}\n`)
    .action(run);
}

async function run(command: readonly string[], flags: Flags): Promise<void> {
  const { env } = process;
  const nproc = flags.nproc ?? count(env, 'PET_NPROC_PER_NODE', 1) ?? 1;
  const nnodes = flags.nnodes ?? count(env, 'PET_NNODES', 1) ?? 1;
  const node =
    number('--node-rank', flags.nodeRank, 0) ??
    count(env, 'PET_NODE_RANK', 0) ??
    (nnodes > 1 ? count(env, 'JOB_COMPLETION_INDEX', 0) : 0);
  if (node === undefined || node >= nnodes)
    throw expected('ERR_CONFIG', `a number below the ${nnodes} hosts`, '--node-rank', node ?? 'nothing');
  const host = flags.masterAddr ?? env.PET_MASTER_ADDR ?? (nnodes === 1 ? '127.0.0.1' : env.MASTER_ADDR);
  if (host === undefined)
    throw expected('ERR_CONFIG', 'the host that has number 0', '--master-addr', 'nothing');
  const port =
    flags.masterPort ?? count(env, 'PET_MASTER_PORT', 1) ?? (nnodes === 1 ? await freePort() : 29_500);
  const threads = String(Math.max(1, Math.floor(defaultThreads() / nproc)));
  const ranks = Array.from({ length: nproc }, (_, local) => ({
    RANK: String(node * nproc + local),
    WORLD_SIZE: String(nnodes * nproc),
    LOCAL_RANK: String(local),
    LOCAL_WORLD_SIZE: String(nproc),
    MASTER_ADDR: host,
    MASTER_PORT: String(port),
    OMP_NUM_THREADS: env.OMP_NUM_THREADS ?? threads,
  }));
  const main = join(fileURLToPath(import.meta.url), '..', '..', 'main.js');
  const code = await launchRanks({ command: [process.execPath, main, ...command], ranks, logs: flags.logs });
  if (code !== 0) throw new Verdict(code);
}

function count(env: NodeJS.ProcessEnv, name: string, least: number): number | undefined {
  return number(name, env[name] === '' ? undefined : env[name], least);
}

function number(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least) return value;
  throw expected('ERR_CONFIG', `an integer from ${least}`, name, text);
}

/** A port that is free now: nobody else knows of it. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
