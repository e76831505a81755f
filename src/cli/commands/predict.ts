/** `lm-resnet predict` */
import { type Command, Option } from 'commander';
import { type ErrorCode, errorCodes, LmError } from '../../errors.ts';
import { type AmpChoice, ampChoices, ampSchema } from '../../model/amp.ts';
import { Model } from '../../model/model.ts';
import type { Prediction } from '../../model/predictions.ts';
import { must } from '../../must.ts';
import { checkpointHelp, checkpointPath } from '../checkpointPath.ts';
import { countOption } from '../flags.ts';
import { addLookFlags, lookFrom } from '../look.ts';
import { Verdict } from '../output/verdict.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from '../place.ts';

interface Flags extends PlaceFlags {
  readonly top: number;
  readonly weights?: 'value' | 'ema';
  readonly amp?: AmpChoice;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet predict runs/lm_resnet20 seven.png
  $ lm-resnet predict model.safetensors *.jpg --top 3 --json
  $ lm-resnet predict model.safetensors photo.webp --transform '[{"kind":"resize","size":232},{"kind":"centerCrop","size":224}]'

An image that cannot be classified is told of, and the others go on; the exit code is then 3.`;

/** Adds the command `predict`. */
export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .description('classify images: files of any format, looked at as in the evaluations of the model')
    .argument('<checkpoint>', checkpointHelp)
    .argument('<images...>', 'image files')
    .addOption(countOption('top', 'guesses per image').default(3))
    .addOption(
      new Option('--weights <name>', 'the weights, or the average of a training with --model-ema').choices([
        'value',
        'ema',
      ]),
    )
    .addOption(new Option('--amp <type>', ampSchema.description).choices(ampChoices))
    .option('--json', 'print one line of JSON per image');
  addLookFlags(command);
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, images: readonly string[], flags: Flags): Promise<void> {
  initFrom(flags);
  await using model = await Model.load(await checkpointPath(checkpoint), {
    ...{ device: flags.device, dtype: flags.dtype, weights: flags.weights },
    ...lookFrom(flags),
  });
  let bad = 0;
  for (const image of images) {
    const found = await classified(model, image, flags);
    if (found instanceof LmError) bad++;
    tell(image, found, flags);
  }
  if (bad === 0) return;
  if (images.length > 1) console.error(`${bad} of ${images.length} images could not be classified`);
  throw new Verdict(errorCodes.ERR_IMAGE.exit);
}

/** What may be wrong with one image, and not with the model or the options. */
const faults: readonly ErrorCode[] = ['ERR_IMAGE', 'ERR_FILE', 'ERR_SHAPE'];

/** What the model says of an image, or what is wrong with that image alone. */
async function classified(model: Model, image: string, { top, amp }: Flags): Promise<Prediction | LmError> {
  try {
    const [prediction] = await model.predict([image], { topK: top, amp });
    return must(prediction);
  } catch (error) {
    if (error instanceof LmError && faults.includes(error.code)) return error;
    throw error;
  }
}

function tell(image: string, found: Prediction | LmError, { json }: Flags): void {
  if (found instanceof LmError) {
    const { code, message, hint = null } = found;
    console.error(`bad image ${image}: ${code}: ${message}${hint === null ? '' : `\n${hint}`}`);
    if (json) console.log(JSON.stringify({ image, error: { code, message, hint } }));
  } else if (json) console.log(JSON.stringify({ image, ...found }));
  else {
    const guesses = found.top.map((guess) => `${guess.label} ${(100 * guess.probability).toFixed(1)} %`);
    console.log(`${image}: ${guesses.join(', ')}`);
  }
}
