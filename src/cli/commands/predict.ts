/** `lm-resnet predict` */
import { type Command, Option } from 'commander';
import { ampSchema } from '../../model/amp.ts';
import { Model } from '../../model/model.ts';
import { must } from '../../must.ts';
import { type Amp, precisions } from '../../native/binding.ts';
import { countOption } from '../flags.ts';
import { addLookFlags, lookFrom } from '../look.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from '../place.ts';

interface Flags extends PlaceFlags {
  readonly top: number;
  readonly amp?: Amp;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet predict runs/lm_resnet20/checkpoint.safetensors seven.png
  $ lm-resnet predict model.safetensors *.jpg --top 3 --json
  $ lm-resnet predict model.safetensors photo.webp --transform '[{"kind":"resize","size":232},{"kind":"centerCrop","size":224}]'`;

/** Adds the command `predict`. */
export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .description('classify images: files of any format, looked at as in the evaluations of the model')
    .argument('<checkpoint>', 'a file that train or Model.save wrote')
    .argument('<images...>', 'image files')
    .addOption(countOption('top', 'guesses per image').default(3))
    .addOption(new Option('--amp <type>', ampSchema.description).choices(precisions))
    .option('--json', 'print one line of JSON per image');
  addLookFlags(command);
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, images: readonly string[], flags: Flags): Promise<void> {
  initFrom(flags);
  await using model = await Model.load(checkpoint, {
    ...{ device: flags.device, dtype: flags.dtype },
    ...lookFrom(flags),
  });
  for (const image of images) {
    const [prediction] = await model.predict(image, { topK: flags.top, amp: flags.amp });
    if (flags.json) {
      console.log(JSON.stringify({ image, ...prediction }));
      continue;
    }
    const guesses = must(prediction).top.map((g) => `${g.label} ${(100 * g.probability).toFixed(1)} %`);
    console.log(`${image}: ${guesses.join(', ')}`);
  }
}
