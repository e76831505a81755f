/** `lm-resnet find-batch` */
import type { Command } from 'commander';
import { parseOptions } from '../../check.ts';
import { type BatchSearch, batchRangeSchema, findBatch } from '../../search/findBatch.ts';
import { addFlags, givenFlags } from '../flags.ts';
import { table } from '../output/table.ts';
import { withSignals } from '../signals.ts';
import { addSubjectFlags, type SubjectFlags, withSubject } from '../subject.ts';

const examples = `
Examples:
  $ lm-resnet find-batch --data cifar10:DIR --model lm_resnet110
  $ lm-resnet find-batch --data cifar10:DIR --model lm_resnet110 --memory recompute --most 4096 --json

On a GPU a batch fits when its steps run. In main memory nothing is tried that would need more than 80 % of what is free.`;

/** Adds the command `find-batch`. */
export function addFindBatch(program: Command): void {
  const command = program
    .command('find-batch')
    .description('find the largest batch that fits into memory, and the speed of batches of every size');
  addFlags(command, batchRangeSchema);
  addSubjectFlags(command, ['batch']);
  command.addHelpText('after', examples).action(run);
}

async function run(flags: SubjectFlags): Promise<void> {
  const range = parseOptions(batchRangeSchema, givenFlags(batchRangeSchema, flags), 'find-batch');
  const found = await withSubject(flags, (model, data, training) =>
    withSignals((signal) => findBatch(model, data, { ...range, training, signal })),
  );
  if (flags.json) console.log(JSON.stringify(found));
  else if (!flags.quiet) console.log(asText(found));
}

const reasons: Readonly<Record<BatchSearch['limit'], string>> = {
  memory: 'a larger one does not fit into memory',
  images: 'the data set has no more images',
  most: '--most ends here',
};

function asText({ trials, largest, fastest, limit }: BatchSearch): string {
  const rows = trials.map(({ batch, fits, imagesPerSecond, bytes }) => [
    String(batch),
    fits ? (imagesPerSecond ?? 0).toFixed(0) : 'does not fit',
    bytes === null ? '–' : `${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB`,
  ]);
  const said =
    largest === null
      ? 'no batch fits into memory'
      : `largest batch: ${largest} (${reasons[limit]}), fastest: ${fastest}`;
  return `${table(['batch', 'images/s', 'memory'], rows)}\n\n${said}`;
}
