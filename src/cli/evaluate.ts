/** `lm-resnet evaluate` */
import type { Command } from 'commander';
import { parseOptions } from '../check.ts';
import { Model } from '../runtime/model.ts';
import { evaluateSchema } from '../runtime/options.ts';
import { addFlags, givenFlags } from './flags.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from './place.ts';
import { addDataFlags, dataSpec, openPart } from './sets.ts';

interface Flags extends PlaceFlags, Record<string, unknown> {
  readonly data: string;
  readonly split?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet evaluate runs/lm_resnet20/checkpoint.safetensors --data mnist:DIR
  $ lm-resnet evaluate model.safetensors --data imageFolder:DIR/val --batch 64 --json`;

/** Adds the command `evaluate`. */
export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('loss and accuracy of a checkpoint on a data set')
    .argument('<checkpoint>', 'a file that train or Model.save wrote')
    .option('--json', 'print one line of JSON');
  addDataFlags(command, true);
  addFlags(command, evaluateSchema);
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, flags: Flags): Promise<void> {
  const options = parseOptions(evaluateSchema, givenFlags(evaluateSchema, flags), 'evaluate');
  dataSpec(flags.data, flags.split); // refused before anything is read
  initFrom(flags);
  await using model = await Model.load(checkpoint, { device: flags.device, dtype: flags.dtype });
  await using data = await openPart(flags.data, flags.split);
  const { loss, top1, top5, count, bad } = await model.evaluate(data, options);
  for (const { name, reason } of bad) console.error(`bad image ${name}: ${reason}`);
  if (flags.json) console.log(JSON.stringify({ loss, top1, top5, count, bad: bad.length }));
  else
    console.log(`${count} images: loss ${loss.toFixed(4)}, top-1 ${percent(top1)}, top-5 ${percent(top5)}`);
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}
