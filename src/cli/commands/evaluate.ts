/** `lm-resnet evaluate` */
import type { Command } from 'commander';
import { parseOptions } from '../../check.ts';
import { type DetailedEvaluation, detailSchema, evaluateInDetail } from '../../evaluate/evaluateInDetail.ts';
import { Model } from '../../model/model.ts';
import { must } from '../../must.ts';
import { checkpointHelp, checkpointPath } from '../checkpointPath.ts';
import { addFlags, givenFlags } from '../flags.ts';
import { addLookFlags, lookFrom } from '../look.ts';
import { tellNotes } from '../notes.ts';
import { outputless } from '../output/outputless.ts';
import { table } from '../output/table.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from '../place.ts';
import { addDataFlags, dataSpec, openPart } from '../sets.ts';

interface Flags extends PlaceFlags, Record<string, unknown> {
  readonly data: string;
  readonly split?: string;
  readonly perClass?: boolean;
  readonly confusion?: boolean;
  readonly calibration?: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet evaluate runs/lm_resnet20 --data mnist:DIR
  $ lm-resnet evaluate model.safetensors --data imageFolder:DIR/val --batch 64 --tta ten-crop --json
  $ lm-resnet evaluate model.safetensors --data cifar10:DIR --per-class --confusion --calibration`;

/** Adds the command `evaluate`. */
export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('loss, accuracy and calibration of a checkpoint on a data set')
    .argument('<checkpoint>', checkpointHelp)
    .option('--per-class', 'images, top-1 and precision of every class')
    .option('--confusion', 'the confusion matrix: rows true, columns predicted')
    .option('--calibration', 'accuracy by confidence, in 15 bins')
    .option('--json', 'print one line of JSON');
  addDataFlags(command, true);
  addFlags(command, detailSchema);
  addLookFlags(command);
  addPlaceFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, flags: Flags): Promise<void> {
  const options = parseOptions(detailSchema, givenFlags(detailSchema, flags), 'evaluate');
  dataSpec(flags.data, flags.split); // refused before anything is read
  initFrom(flags);
  await using model = await Model.load(await checkpointPath(checkpoint), {
    ...{ device: flags.device, dtype: flags.dtype },
    ...lookFrom(flags),
  });
  await using data = await openPart(flags.data, flags.split);
  tellNotes([data]);
  const found = await evaluateInDetail(model, data, options);
  tellNotes([found]);
  for (const { name, reason } of found.bad) console.error(`bad image ${name}: ${reason}`);
  console.log(flags.json ? JSON.stringify(asJson(found, flags)) : asText(found, flags));
}

function asJson(found: DetailedEvaluation, flags: Flags): object {
  const { loss, top1, top5, count, nonFinite, bad, calibration, perClass, confusion, classNames } = found;
  return {
    loss,
    top1,
    top5,
    count,
    nonFinite,
    bad: bad.length,
    ece: calibration.ece,
    ...(flags.perClass ? { perClass } : {}),
    ...(flags.confusion ? { confusion, classNames } : {}),
    ...(flags.calibration ? { calibration } : {}),
  };
}

function asText(found: DetailedEvaluation, flags: Flags): string {
  const { loss, top1, top5, count, nonFinite, calibration, perClass, confusion, classNames } = found;
  const facts = `top-1 ${percent(top1)}, top-5 ${percent(top5)}, calibration error ${percent(calibration.ece)}`;
  const parts = [`${count} images: loss ${loss.toFixed(4)}, ${facts}${outputless(nonFinite)}`];
  if (flags.perClass)
    parts.push(
      table(
        ['class', 'images', 'top-1', 'precision'],
        perClass.map((row) => [row.name, String(row.count), percent(row.top1), percent(row.precision)]),
      ),
    );
  if (flags.confusion)
    parts.push(
      table(
        ['true \\ predicted', ...classNames],
        confusion.map((row, i) => [must(classNames[i]), ...row.map(String)]),
      ),
    );
  if (flags.calibration)
    parts.push(
      table(
        ['confidence', 'images', 'mean', 'right'],
        calibration.bins.map(({ from, to, count: images, confidence, accuracy }) => {
          const range = `${from.toFixed(2)} – ${to.toFixed(2)}`;
          return [range, String(images), percent(confidence), percent(accuracy)];
        }),
      ),
    );
  return parts.join('\n\n');
}

function percent(part: number | null): string {
  return part === null ? '–' : `${(100 * part).toFixed(2)} %`;
}
