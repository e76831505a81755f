/** `lm-resnet convert` */
import type { Command } from 'commander';
import { importTorchvision } from '../../import/importTorchvision.ts';
import { type TimmName, timmModels } from '../../import/namedWeights.ts';
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
  $ lm-resnet convert resnet18.safetensors --from-torchvision resnet18 --out model.safetensors
  $ lm-resnet convert model.safetensors --from-torchvision timm/resnet50.a1_in1k --out resnet50.safetensors

With timm's tag (.a1_in1k) the checkpoint tests images as timm tests these weights. A file of torch.save (.pth) is
refused with the command that converts it.`;

/** Adds the command `convert`. */
export function addConvert(program: Command): void {
  const command = program
    .command('convert')
    .description('make a checkpoint of the weights of another library')
    .argument('<file>', 'safetensors file with a state dict')
    .requiredOption(
      '--from-torchvision <name>',
      `the model it is of, as torchvision or timm name it: ${timmModels.join(', ')}`,
    )
    .requiredOption('--out <file>', 'checkpoint to write')
    .addOption(countOption('classes', 'classes of the model (default: 1000)'))
    .option('--json', 'print one line of JSON');
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(file: string, flags: Flags): Promise<void> {
  const { out, classes, device, dtype } = flags;
  initFrom(flags);
  await using model = await importTorchvision(flags.fromTorchvision as TimmName, file, {
    classes,
    device,
    dtype,
  });
  await model.save(out);
  if (flags.json) console.log(JSON.stringify({ checkpoint: out, model: model.graph.name }));
  else console.log(`${out}: ${model.graph.name} with ${model.graph.classes} classes`);
}
