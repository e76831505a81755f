/** `lm-resnet data`: look at a data set, and look through it. */
import type { Command } from 'commander';
import { parseOptions } from '../../check.ts';
import { openDataset, openSome } from '../../data/open.ts';
import { writePreview } from '../../data/preview.ts';
import { checkImages } from '../../data/scan.ts';
import { errorCodes } from '../../errors.ts';
import { transformSchema } from '../../transforms/transforms.ts';
import { countOption } from '../flags.ts';
import { transformOption } from '../look.ts';
import { tellNotes } from '../notes.ts';
import { Verdict } from '../output/verdict.ts';
import { createProgress } from '../progress.ts';
import { dataHelp, dataSpec } from '../sets.ts';
import { withSignals } from '../signals.ts';

interface PreviewFlags {
  readonly out: string;
  readonly split?: string;
  readonly transform?: unknown;
  readonly imageSize: number;
  readonly count: number;
  readonly seed: string;
  readonly epoch: string;
  readonly eval?: boolean;
}

interface CheckFlags {
  readonly split?: string;
  readonly workers?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const previewExamples = `
Examples:
  $ lm-resnet data preview imageFolder:DIR
  $ lm-resnet data preview cifar10:DIR --transform '[{"kind":"randomCrop","size":32,"padding":4},{"kind":"horizontalFlip"}]'
  $ lm-resnet data preview records:train.records --image-size 176 --epoch 3 --out sheet.png`;

const checkExamples = `
Examples:
  $ lm-resnet data check imageFolder:DIR
  $ lm-resnet data check records:train.records --json > bad.json

Exit code: 0 when every image can be used, else 3.`;

const dataExamples = `
Examples:
  $ lm-resnet data preview imageFolder:DIR
  $ lm-resnet data check records:train.records --json > bad.json`;

/** Adds the command `data`. */
export function addData(program: Command): void {
  const data = program.command('data').description('look at a data set: preview, check');
  data
    .command('preview')
    .description('write a PNG of images as training gets them, with their classes')
    .argument('<set>', dataHelp)
    .option('--out <file>', 'picture to write', 'preview.png')
    .option('--split <name>', 'train or test (default: train)')
    .addOption(transformOption('list of operations (default: those of the set, else the usual ones)'))
    .addOption(countOption('image-size', 'side to which the usual operations bring files').default(224))
    .addOption(countOption('count', 'images on the sheet').default(48))
    .option('--seed <number>', 'of the order and of what is drawn', '0')
    .option('--epoch <number>', 'which pass', '0')
    .option('--eval', 'as an evaluation gets them, in order')
    .addHelpText('after', previewExamples)
    .action(preview);
  data
    .command('check')
    .description('decode every image on all cores and list the bad ones')
    .argument('<set>', dataHelp)
    .option('--split <name>', 'train or test (default: train)')
    .addOption(countOption('workers', 'threads (default: the available cores)'))
    .option('--quiet', 'no progress')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', checkExamples)
    .action(check);
  data.addHelpText('after', dataExamples);
  for (const command of data.commands) command.exitOverride();
}

async function preview(set: string, flags: PreviewFlags): Promise<void> {
  const { out, split, transform, imageSize, count } = flags;
  await using opened = await openDataset(dataSpec(set, split));
  tellNotes([opened]);
  const data =
    transform === undefined ? opened : opened.with(parseOptions(transformSchema, transform, 'transform'));
  const pass = { seed: Number(flags.seed), epoch: Number(flags.epoch), training: !flags.eval };
  const drawn = await writePreview(out, data, { ...pass, count, imageSize });
  console.log(`${out}: ${drawn} of ${data.count} images, ${data.classNames.length} classes`);
}

async function check(set: string, flags: CheckFlags): Promise<void> {
  const { split, workers, quiet = false } = flags;
  await using data = await openSome(dataSpec(set, split), { everyFormat: true, emptyClasses: true });
  tellNotes([data], { quiet });
  const progress = createProgress({ quiet, unit: 'image' });
  const total = data.count ?? 0;
  progress.start(total);
  const bad = await withSignals((signal) =>
    checkImages(data, { workers, signal, onProgress: (step) => progress.update({ step }) }),
  ).finally(() => progress.stop());
  if (flags.json) console.log(JSON.stringify({ count: total, bad }));
  else {
    for (const { name, reason } of bad) console.log(`${name}: ${reason}`);
    console.log(`${total} images, ${bad.length} bad`);
  }
  if (bad.length > 0) throw new Verdict(errorCodes.ERR_FILE.exit);
}
