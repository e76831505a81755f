/** `lm-resnet evaluate` */
import type { Command } from 'commander';
import { oneOf } from '../check.ts';
import { type DatasetName, datasetNames, loadDataset, type Split } from '../data/datasets.ts';
import { Model } from '../runtime/model.ts';
import { countOption } from './flags.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from './place.ts';

interface Flags extends PlaceFlags {
  readonly dataset: string;
  readonly data: string;
  readonly split: string;
  readonly batch: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet evaluate runs/lm_resnet20/checkpoint.safetensors --dataset mnist --data DIR
  $ lm-resnet evaluate model.safetensors --dataset mnist --data DIR --split train --json`;

/** Adds the command `evaluate`. */
export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('loss and accuracy of a checkpoint on a data set')
    .argument('<checkpoint>', 'a file that train or Model.save wrote')
    .requiredOption('--dataset <name>', `data set: ${datasetNames.join(', ')}`)
    .requiredOption('--data <folder>', "folder of the data set's files")
    .option('--split <name>', 'train or test', 'test')
    .addOption(countOption('batch', 'images at a time').default(256))
    .option('--json', 'print one line of JSON');
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, flags: Flags): Promise<void> {
  const name = oneOf<DatasetName>(flags.dataset, datasetNames, 'data set');
  const split = oneOf<Split>(flags.split, ['train', 'test'], 'split');
  initFrom(flags);
  await using model = await Model.load(checkpoint, { device: flags.device, dtype: flags.dtype });
  const set = await loadDataset(name, flags.data, split);
  const { loss, top1, top5, count } = await model.evaluate(set, { batch: flags.batch });
  if (flags.json) console.log(JSON.stringify({ loss, top1, top5, count }));
  else
    console.log(`${count} images: loss ${loss.toFixed(4)}, top-1 ${percent(top1)}, top-5 ${percent(top5)}`);
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}
