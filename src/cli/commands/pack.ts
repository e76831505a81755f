/** `lm-resnet pack` */
import type { Command } from 'commander';
import { pack } from '../../data/records/pack.ts';
import { countOption } from '../flags.ts';
import { tellNotes } from '../notes.ts';
import { createProgress } from '../progress.ts';
import { dataHelp, dataSpec } from '../sets.ts';
import { withSignals } from '../signals.ts';

interface Flags {
  readonly split?: string;
  readonly resize?: number;
  readonly quality?: number;
  readonly workers?: number;
  readonly throw?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet pack imageFolder:imagenet train.records --split train             the same pixels, faster to load
  $ lm-resnet pack imageFolder:imagenet train.records --resize 400 --quality 90  smaller files, faster still
  $ lm-resnet train --data records:train.records --test records:val.records

Stopped at any moment, the same command goes on where it was.`;

/** Adds the command `pack`. */
export function addPack(program: Command): void {
  program
    .command('pack')
    .description('pack image files of any format into records that load fast')
    .argument('<set>', dataHelp)
    .argument('<folder>', 'folder of records to write')
    .option('--split <name>', 'train or test (default: train)')
    .addOption(
      countOption(
        'resize',
        'make images smaller to this shorter side, as JPEG (default: keep size and pixels)',
      ),
    )
    .addOption(countOption('quality', 'of the JPEG files that --resize makes (default: 90)'))
    .addOption(countOption('workers', 'images at a time (default: the available cores)'))
    .option('--throw', 'end at an image that cannot be read or decoded instead of leaving it out')
    .option('--quiet', 'no progress')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', examples)
    .action(run);
}

async function run(set: string, folder: string, flags: Flags): Promise<void> {
  const { split, resize, quality, workers, quiet = false } = flags;
  const progress = createProgress({ quiet, unit: 'image' });
  let started = false;
  const onProgress = (step: number, total: number, kept: number): void => {
    if (!started) progress.start(total);
    started = true;
    progress.update({ step, kept });
  };
  const onBadImage = flags.throw ? ('throw' as const) : ('skip' as const);
  const options = { resize, quality, workers, onBadImage, onProgress };
  const result = await withSignals((signal) =>
    pack(dataSpec(set, split), folder, { ...options, signal }),
  ).finally(() => progress.stop());
  const { count, shards, bytes, kept, bad } = result;
  tellNotes([result], { quiet });
  for (const { name, reason } of bad) console.error(`bad image ${name}: ${reason}`);
  if (flags.json) console.log(JSON.stringify({ folder, ...result }));
  else {
    const before = kept > 0 ? `, ${kept} of them from before` : '';
    console.log(
      `${folder}: ${count} images, ${(bytes / 2 ** 20).toFixed(1)} MiB in ${shards} shards${before}; ${bad.length} bad`,
    );
  }
}
