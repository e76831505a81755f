/** `lm-resnet deepen` */
import type { Command } from 'commander';
import { parseOptions } from '../../check.ts';
import { deepen, deepenSchema } from '../../deepen/deepen.ts';
import { Model } from '../../model/model.ts';
import { checkpointHelp, checkpointPath } from '../checkpointPath.ts';
import { addFlags, givenFlags } from '../flags.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from '../place.ts';

interface Flags extends PlaceFlags, Record<string, unknown> {
  readonly out: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet deepen runs/lm_resnet20 --out deep.safetensors
  $ lm-resnet deepen deep.safetensors --rule second --out deeper.safetensors`;

/** Adds the command `deepen`. */
export function addDeepen(program: Command): void {
  const command = program
    .command('deepen')
    .description('make a model of twice the depth that does nearly the same, to be trained further')
    .argument('<checkpoint>', checkpointHelp)
    .requiredOption('--out <file>', 'checkpoint to write')
    .option('--json', 'print one line of JSON');
  addFlags(command, deepenSchema);
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, flags: Flags): Promise<void> {
  const { out, device, dtype, json } = flags;
  const options = parseOptions(deepenSchema, givenFlags(deepenSchema, flags), 'deepen');
  initFrom(flags);
  await using model = await Model.load(await checkpointPath(checkpoint), { device, dtype });
  await using deep = await deepen(model, options);
  await deep.save(out);
  const [before, steps] = [model.graph.steps.length, deep.graph.steps.length];
  if (json) console.log(JSON.stringify({ checkpoint: out, model: deep.graph.name, steps }));
  else console.log(`${out}: ${deep.graph.name}, ${steps} steps of ${before}`);
}
