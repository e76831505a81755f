/** `lm-resnet convert` */
import type { Command } from 'commander';
import { oneOf } from '../../check.ts';
import { importTorchvision } from '../../importTorchvision.ts';
import { torchvisionModels } from '../../models/torchvision.ts';
import { countOption } from '../flags.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from '../place.ts';

interface Flags extends PlaceFlags {
  readonly fromTorchvision: string;
  readonly out: string;
  readonly classes?: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ python -c 'from torchvision.models import resnet18; from safetensors.torch import save_file; \\
      save_file(resnet18(weights="DEFAULT").state_dict(), "resnet18.safetensors")'
  $ lm-resnet convert resnet18.safetensors --from-torchvision resnet18 --out model.safetensors`;

/** Adds the command `convert`. */
export function addConvert(program: Command): void {
  const command = program
    .command('convert')
    .description('make a checkpoint of the weights of another library')
    .argument('<file>', 'safetensors file with a state dict')
    .requiredOption('--from-torchvision <name>', `the model it is of: ${torchvisionModels.join(', ')}`)
    .requiredOption('--out <file>', 'checkpoint to write')
    .addOption(countOption('classes', 'classes of the model (default: 1000)'))
    .option('--json', 'print one line of JSON');
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(file: string, flags: Flags): Promise<void> {
  const { out, classes, device, dtype } = flags;
  const name = oneOf(flags.fromTorchvision, torchvisionModels, 'torchvision model');
  initFrom(flags);
  await using model = await importTorchvision(name, file, { classes, device, dtype });
  await model.save(out);
  if (flags.json) console.log(JSON.stringify({ checkpoint: out, model: name }));
  else console.log(`${out}: ${name} with ${model.graph.classes} classes`);
}
