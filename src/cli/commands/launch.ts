/** `lm-resnet launch` */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { countOption } from '../flags.ts';
import { launchRanks } from '../launch/launch.ts';
import { type LaunchFlags, placesOf } from '../launch/places.ts';
import { Verdict } from '../output/verdict.ts';

interface Flags extends LaunchFlags {
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
    .addOption(
      new Option(
        '--nproc <number>',
        'processes of this host; gpu, cpu: one for each; auto: either (default: 1)',
      ),
    )
    .addOption(countOption('nnodes', 'hosts in all (default: 1)'))
    .addOption(new Option('--node-rank <number>', 'number of this host, from 0'))
    .addOption(new Option('--master-addr <host>', 'host 0, at which the ranks meet (default: this one)'))
    .addOption(countOption('master-port', 'port there (default: 29500; a free one where there is one host)'))
    .option('--logs <folder>', 'keep what each rank says in rank-0.log, rank-1.log, … there')
    .addHelpText('before', `${examples.trimStart()}\n`)
    .action(run);
}

async function run(command: readonly string[], flags: Flags): Promise<void> {
  const places = placesOf(flags, process.env);
  const port = places.port ?? (await freePort());
  const ranks = places.ranks.map((env) => ({ ...env, MASTER_PORT: String(port) }));
  const main = join(fileURLToPath(import.meta.url), '..', '..', 'main.js');
  const code = await launchRanks({ command: [process.execPath, main, ...command], ranks, logs: flags.logs });
  if (code !== 0) throw new Verdict(code);
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
