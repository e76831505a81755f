/** `lm-resnet analyze` */
import { basename } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { type AnalyzeOptions, analyze } from '../../analyze/analyze.ts';
import { expected } from '../../errors.ts';
import { replaceFile } from '../../files.ts';
import { readImage } from '../../images/readImage.ts';
import { loaderSpec, loadingShape, sizeNotes } from '../../loading/loaderSpec.ts';
import type { ModelInput } from '../../loading/modelInput.ts';
import { readBatches } from '../../loading/readBatches.ts';
import { checkImages } from '../../model/checkImages.ts';
import { coreOf, Model } from '../../model/model.ts';
import { must } from '../../must.ts';
import { analysisPage } from '../../report/analysis/page.ts';
import { checkpointHelp, checkpointPath } from '../checkpointPath.ts';
import { addLookFlags, lookFrom } from '../look.ts';
import { tellNotes } from '../notes.ts';
import { type PageFlags, pagePath } from '../pagePath.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from '../place.ts';
import { addDataFlags, dataSpec, openPart } from '../sets.ts';

interface Flags extends PlaceFlags, PageFlags {
  readonly data?: string;
  readonly split?: string;
  readonly images?: readonly string[];
  readonly count: number;
}

const examples = `
Examples:
  $ lm-resnet analyze runs/lm_resnet20 --data mnist:DIR
  $ lm-resnet analyze model.safetensors --images cat.jpg dog.jpg --out model.html
  $ lm-resnet analyze model.safetensors --json > model.json`;

/** Adds the command `analyze`. */
export function addAnalyze(program: Command): void {
  const command = program
    .command('analyze')
    .description('a checkpoint as an ODE integrator: learned k, stability, norms, trajectories, as a page')
    .argument('<checkpoint>', checkpointHelp)
    .option('--count <number>', 'images of the data set, all classes in turn', toCount, 32)
    .option('--images <files...>', 'measure on image files')
    .option('--out <file>', 'page to write (default: the checkpoint with .html in place of .safetensors)')
    .option('--force', 'overwrite the page')
    .option('--json', 'print the analysis as JSON; a page is written with --out only');
  addDataFlags(command, false);
  addLookFlags(command);
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(given: string, flags: Flags): Promise<void> {
  checkSource(flags);
  const checkpoint = await checkpointPath(given);
  const out = pagePath(flags, `${checkpoint.replace(/\.safetensors$/, '')}.html`);
  initFrom(flags);
  await using model = await Model.load(checkpoint, {
    ...{ device: flags.device, dtype: flags.dtype },
    ...lookFrom(flags),
  });
  const analysis = await analyze(model, await imagesOf(model, flags));
  if (out !== undefined) await replaceFile(out, (file) => file.writeFile(analysisPage(analysis)));
  if (flags.json) console.log(JSON.stringify(analysis));
  else console.log(`wrote ${out}`);
}

function checkSource({ data, split, images }: Flags): void {
  if (data !== undefined) dataSpec(data, split);
  if (data !== undefined && images !== undefined)
    throw expected('ERR_CONFIG', 'a data set or image files, not both,', '--images', images);
}

/** The images to measure on, with their names. */
async function imagesOf(model: Model, flags: Flags): Promise<AnalyzeOptions> {
  const { data, images, split, count } = flags;
  if (images !== undefined) return fromFiles(images, model.input);
  if (data === undefined) return {};
  await using opened = await openPart(data, split, (labels, classes) => sample(labels, classes, count));
  const set = checkImages(coreOf(model), opened, false);
  tellNotes([set, { notes: sizeNotes(set, model.input) }]);
  const { height, width } = model.input;
  const spec = loaderSpec(set, model.input, { ...reading, device: 'cpu' });
  if (spec.height !== height || spec.width !== width)
    throw expected('ERR_SHAPE', `images of ${height} x ${width} pixels`, '--data', [spec.height, spec.width]);
  const pixels: Uint8Array[] = [];
  const names: string[] = [];
  for await (const batch of readBatches(set, spec)) {
    pixels.push(batch.pixels);
    names.push(...Array.from(batch.labels, (label) => set.classNames[label] ?? ''));
  }
  return { images: joined(pixels), names, data: set.name };
}

/** An evaluation's pass over the images. */
const reading = { ...z.object(loadingShape).parse({}), batch: 32, seed: 0, training: false };

async function fromFiles(files: readonly string[], input: ModelInput): Promise<AnalyzeOptions> {
  const pixels: Uint8Array[] = [];
  for (const file of files) pixels.push(await readImage(file, input));
  return { images: joined(pixels), names: files.map((file) => basename(file)), data: 'files' };
}

/** The first images of a set that take all classes in turn. */
function sample(labels: Int32Array, classes: number, count: number): Int32Array {
  const seen = new Map<number, number>();
  const place = Array.from(labels, (label) => {
    const round = seen.get(label) ?? 0;
    seen.set(label, round + 1);
    return round * classes + label;
  });
  return Int32Array.from(
    [...place.keys()].toSorted((a, b) => must(place[a]) - must(place[b])).slice(0, count),
  );
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function toCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 4096)
    throw new InvalidArgumentError('It is not an integer from 1 to 4096.');
  return count;
}
