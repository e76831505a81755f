/** `lm-resnet predict` */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { imagesBelow } from '../../data/folder/imageFolder.ts';
import { type ErrorCode, errorCodes, expected, LmError } from '../../errors.ts';
import { type AmpChoice, ampChoices, ampSchema } from '../../model/amp.ts';
import { Model } from '../../model/model.ts';
import { must } from '../../must.ts';
import { checkpointHelp, checkpointPath } from '../checkpointPath.ts';
import { countOption } from '../flags.ts';
import { addLookFlags, lookFrom } from '../look.ts';
import { tellNotes } from '../notes.ts';
import { type Classified, type FormatName, predictionFormats } from '../output/predictions.ts';
import { Verdict } from '../output/verdict.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from '../place.ts';

interface Flags extends PlaceFlags {
  readonly top: number;
  readonly weights?: 'value' | 'ema';
  readonly amp?: AmpChoice;
  readonly format?: FormatName;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet predict runs/lm_resnet20 seven.png
  $ lm-resnet predict model.safetensors *.jpg --top 3 --json
  $ lm-resnet predict runs/lm_resnet20 photos --format csv > photos.csv     all images in a folder and below it
  $ lm-resnet predict model.safetensors photo.webp --transform '[{"kind":"resize","size":232},{"kind":"centerCrop","size":224}]'

An image that cannot be classified is told of, and the others go on; the exit code is then 3.`;

/** Images that are read and classified at a time. */
const imagesAtOnce = 32;

/** Adds the command `predict`. */
export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .description('classify images: files of any format, looked at as in the evaluations of the model')
    .argument('<checkpoint>', checkpointHelp)
    .argument('<images...>', 'image files, or folders of them')
    .addOption(countOption('top', 'guesses per image').default(3))
    .addOption(
      new Option('--weights <name>', 'the weights, or the average of a training with --model-ema').choices([
        'value',
        'ema',
      ]),
    )
    .addOption(new Option('--amp <type>', ampSchema.description).choices(ampChoices))
    .addOption(
      new Option(
        '--format <name>',
        'what to print: words, a line of JSON per image, or CSV (default: text)',
      ).choices(Object.keys(predictionFormats)),
    )
    .option('--json', 'as --format jsonl');
  addLookFlags(command);
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, given: readonly string[], flags: Flags): Promise<void> {
  const { format, top } = flags;
  if (flags.json && format !== undefined && format !== 'jsonl')
    throw expected('ERR_CONFIG', 'one format (--json is --format jsonl)', '--format', format);
  const { heading, line } = predictionFormats[format ?? (flags.json ? 'jsonl' : 'text')];
  initFrom(flags);
  await using model = await Model.load(await checkpointPath(checkpoint), {
    ...{ device: flags.device, dtype: flags.dtype, weights: flags.weights },
    ...lookFrom(flags),
  });
  const images = await imagesOf(given);
  const guesses = Math.min(top, model.graph.classes);
  if (heading !== undefined) console.log(heading(guesses));
  let bad = 0;
  for (let first = 0; first < images.length; first += imagesAtOnce) {
    for (const one of await classified(model, images.slice(first, first + imagesAtOnce), flags)) {
      if (one.found instanceof LmError) {
        bad++;
        tellBad(one.image, one.found);
      }
      const said = line(one, guesses);
      if (said !== undefined) console.log(said);
    }
  }
  if (bad === 0) return;
  if (images.length > 1) console.error(`${bad} of ${images.length} images could not be classified`);
  throw new Verdict(errorCodes.ERR_IMAGE.exit);
}

/** The images that are given: files as they are, those in folders and below them. */
async function imagesOf(given: readonly string[]): Promise<string[]> {
  const images: string[] = [];
  for (const path of given) {
    if (!(await isFolder(path))) images.push(path);
    else {
      const { names, notes } = await imagesBelow(path);
      tellNotes([{ notes }]);
      for (const name of names) images.push(join(path, name));
    }
  }
  return images;
}

/** False where there is nothing: who reads it says so. */
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** What may be wrong with one image, and not with the model or the options. */
const faults: readonly ErrorCode[] = ['ERR_IMAGE', 'ERR_FILE', 'ERR_SHAPE', 'ERR_NOT_FINITE'];

/** What the model says of images: of all together, or of each by itself where something is wrong with one. */
async function classified(model: Model, images: readonly string[], flags: Flags): Promise<Classified[]> {
  const { top: topK, amp } = flags;
  try {
    const found = await model.predict(images, { topK, amp });
    return images.map((image, i) => ({ image, found: must(found[i]) }));
  } catch (error) {
    if (!(error instanceof LmError)) throw error;
    const [image] = images;
    if (images.length > 1 || image === undefined) return await eachByItself(model, images, flags);
    if (faults.includes(error.code)) return [{ image, found: error }];
    throw error;
  }
}

async function eachByItself(model: Model, images: readonly string[], flags: Flags): Promise<Classified[]> {
  const all: Classified[] = [];
  for (const image of images) all.push(...(await classified(model, [image], flags)));
  return all;
}

function tellBad(image: string, { code, message, hint }: LmError): void {
  console.error(`bad image ${image}: ${code}: ${message}${hint === undefined ? '' : `\n${hint}`}`);
}
