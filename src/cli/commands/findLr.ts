/** `lm-resnet find-lr` */
import type { Command } from 'commander';
import { parseOptions } from '../../check.ts';
import { writeRates } from '../../pictureFile.ts';
import { findLearningRate, rateRangeSchema } from '../../search/findLearningRate.ts';
import { addFlags, givenFlags } from '../flags.ts';
import { pagePath } from '../pagePath.ts';
import { withSignals } from '../signals.ts';
import { addSubjectFlags, type SubjectFlags, withSubject } from '../subject.ts';

interface Flags extends SubjectFlags {
  readonly out?: string;
  readonly force?: boolean;
}

const examples = `
Examples:
  $ lm-resnet find-lr --data cifar10:DIR --model lm_resnet56 --batch 128
  $ lm-resnet find-lr --data mnist:DIR --optimizer adamw --from 1e-6 --to 1 --out rates.svg
  $ lm-resnet find-lr --data mnist:DIR --json

The rate grows exponentially from step to step until the loss breaks out; the suggestion is where the loss falls fastest. Smith 2017, section 3.3.`;

/** Adds the command `find-lr`. */
export function addFindLr(program: Command): void {
  const command = program
    .command('find-lr')
    .description('find a learning rate: a short training whose rate grows, and its picture')
    .option('--out <file>', 'picture, .png or .svg (default: learning-rates.png; none with --json)')
    .option('--force', 'overwrite the picture');
  addFlags(command, rateRangeSchema);
  addSubjectFlags(command);
  command.addHelpText('after', examples).action(run);
}

async function run(flags: Flags): Promise<void> {
  const out = pagePath(flags, 'learning-rates.png');
  const range = parseOptions(rateRangeSchema, givenFlags(rateRangeSchema, flags), 'find-lr');
  const found = await withSubject(flags, (model, data, training) =>
    withSignals((signal) => findLearningRate(model, data, { ...range, training, signal })),
  );
  if (out !== undefined) await writeRates(out, found);
  if (flags.json) return console.log(JSON.stringify({ ...found, picture: out ?? null }));
  if (flags.quiet) return;
  const { suggestion, losses } = found;
  const said = suggestion === null ? 'the loss never falls' : `--lr ${Number(suggestion.toPrecision(2))}`;
  console.log(`${losses.length} steps: ${said}\nwrote ${out}`);
}
