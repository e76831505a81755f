/** `lm-resnet train` */
import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { parseOptions } from '../../check.ts';
import { expected, isLmError, LmError } from '../../errors.ts';
import type { Dataset } from '../../loading/dataset.ts';
import type { Model } from '../../model/model.ts';
import { presetNames } from '../../models/presets.ts';
import { must } from '../../must.ts';
import { joinRanks, type Ranks, ranksSchema } from '../../ranks/ranks.ts';
import { nextRunFolder } from '../../run/folder.ts';
import { trainSchema } from '../../train/options.ts';
import { withShare } from '../../train/ranks/shares.ts';
import { recipeNames } from '../../train/recipes.ts';
import { takenTogether } from '../../train/resume.ts';
import type { TrainSettings } from '../../train/settings.ts';
import type { TrainResult } from '../../train/trainRun.ts';
import {
  adoptLook,
  beginningOf,
  type ChosenTransforms,
  modelFor,
  settingsFor,
  transformed,
  transformsOf,
} from '../beginning.ts';
import { addFlags, countOption, givenFlags } from '../flags.ts';
import { followed } from '../follow.ts';
import { augmentationSchema, type Job, readJob, variantsSchema } from '../job.ts';
import { tellNotes } from '../notes.ts';
import { addPlaceFlags, initFrom, type PlaceFlags } from '../place.ts';
import {
  addResumeFlags,
  type ResumeFlags,
  resumedSets,
  resumeFrom,
  takeAuto,
  takeResumed,
} from '../resume.ts';
import { type Resumable, resumeCommand } from '../resumeCommand.ts';
import { dataHelp, openSets, type Sets } from '../sets.ts';

interface Flags extends PlaceFlags, ResumeFlags, Record<string, unknown> {
  readonly config?: string;
  readonly fastDevRun?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** Those that train together with this process. */
  readonly ranks?: Ranks | undefined;
}

const examples = `
Examples:
  $ lm-resnet train --data mnist:DIR --recipe mnist-onecycle
  $ lm-resnet train --data cifar10:DIR --recipe lm-cifar10 --model lm_resnet20
  $ lm-resnet train --data cifar10:DIR --model lm_resnet56 --epochs 160 --schedule '{"kind":"multistep","milestones":[80,120]}'
  $ lm-resnet train --data imageFolder:DIR --model lm_resnet50 --image-size 176 --workers 8
  $ lm-resnet train --data '{"kind":"webDataset","path":"train-{000..146}.tar"}' --test records:val.records
  $ lm-resnet train --config train.yaml --epochs 10      the file has the same names: model, data, test, weightDecay, …
  $ lm-resnet train --data cifar10:DIR --recipe lm-cifar10 --fast-dev-run     does all of it work?
  $ lm-resnet train --resume runs/lm_resnet20            goes on where the run ended, to the bit
  $ lm-resnet train --data cifar10:DIR --run runs/a --auto-resume     begins or goes on: for a scheduler that starts it again
  $ lm-resnet launch --nproc 4 -- train --data cifar10:DIR --batch 32     4 processes train together
  $ lm-resnet train --from model.safetensors --data imageFolder:DIR --freeze stem,stage1      fine-tunes

Ctrl-C ends the run after the step under way and leaves a checkpoint to resume from; a second one ends it at once.`;

/** Adds the command `train`. */
export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train a model on a data set, into a new run folder')
    .option('--model <name>', `model: ${presetNames.join(', ')} (default: the recipe's, else lm_resnet20)`)
    .option('--data <set>', `data set to train on, ${dataHelp}`)
    .option(
      '--test <set>',
      'data set to test on after every epoch (default: the test part of --data, where it has one)',
    )
    .addOption(
      countOption(
        'image-size',
        "side of the images that the network takes (default: the model's, or the data set's)",
      ),
    )
    .option('--run <folder>', 'run folder, new (default: runs/<model>)')
    .option('--recipe <name>', `model, settings and transforms to start from: ${recipeNames.join(', ')}`)
    .option(
      '--from <checkpoint>',
      'start from these weights, of a file or a run folder; other classes get a new last layer',
    )
    .addOption(
      new Option('--weights <name>', 'of --from: its weights, or their average (default: value)').choices([
        'value',
        'ema',
      ]),
    )
    .option('--config <file>', 'YAML or JSON file of options; flags go before it')
    .option(
      '--fast-dev-run',
      'one step, one evaluation batch and one checkpoint, in a temporary folder, to see that all works',
    )
    .option('--json', 'end with one line of JSON')
    .option('--quiet', 'no progress');
  addResumeFlags(command);
  addFlags(command, variantsSchema);
  addFlags(command, augmentationSchema);
  addFlags(command, trainSchema);
  addFlags(command, ranksSchema);
  addPlaceFlags(command);
  command.addHelpText('before', `${examples.trimStart()}\n`).action(run);
}

async function run(flags: Flags): Promise<void> {
  const job = await readJob(flags);
  const { run: wanted, data, autoResume = false } = job;
  const { resume, resumeFallback, fastDevRun } = flags;
  if (data === undefined && resume === undefined) throw required('data', 'mnist:DIR');
  if (fastDevRun && (wanted ?? resume) !== undefined)
    throw expected('ERR_CONFIG', 'no run folder, for nothing stays,', '--fast-dev-run', wanted ?? resume);
  if (resume === undefined && autoResume && wanted === undefined) throw required('run', 'runs/NAME');
  if (resume === undefined && resumeFallback && !autoResume) throw required('resume', 'runs/NAME');
  initFrom({ threads: job.threads, libtorch: flags.libtorch });
  const ranks = (await joinRanks(givenFlags(ranksSchema, flags))) ?? undefined;
  const place = ranks === undefined ? job : { ...job, device: deviceOn(ranks, job.device) };
  const own = ranks === undefined || ranks.isFirst ? flags : { ...flags, quiet: true, json: false };
  const train = (): Promise<void> =>
    resume === undefined ? begin(place, { ...own, ranks }) : goOn(resume, place, { ...own, ranks });
  if (ranks === undefined) return await train();
  await train().catch(async (error: unknown) => {
    await ranks.abandon(error);
    throw error;
  });
  await ranks.close();
}

/** The device of a rank, unless one by its number or the CPU was asked for. */
function deviceOn(ranks: Ranks, device: PlaceFlags['device'] = 'auto'): PlaceFlags['device'] {
  if (device !== 'auto' && device !== 'cuda') return device;
  return ranks.device === 'cpu' ? device : ranks.device;
}

/** Goes on with the run of a folder. */
async function goOn(
  run: string,
  { data, test, device, dtype, threads, ...job }: Job & Record<string, unknown>,
  flags: Flags,
): Promise<void> {
  const place = { device, dtype, threads, libtorch: flags.libtorch };
  await using taken = await takenTogether(flags.ranks, () => takeResumed(run, { ...flags, ...place }));
  const path = must(taken.checkpoint);
  const { model: loaded, transforms, settings: recorded } = await resumeFrom(path, place);
  await using model = loaded;
  const sets = await resumedSets(path, { data, test });
  if (sets.data === undefined) throw required('data', 'mnist:DIR');
  await using opened = await openSets(sets.data, sets.test, flags.ranks);
  tellNotes([opened.train, opened.test], flags);
  const settings = givenFlags(trainSchema, job);
  const options = { ...settings, resume: path, ranks: flags.ranks };
  const all = parseOptions(trainSchema, { ...recorded, ...settings }, 'train');
  const following = { ...flags, taken };
  const result = await followed(model, augmented(opened, transforms), options, all, following).catch(
    telling(dirname(path), place, flags),
  );
  report(result, model, flags);
}

/** Begins a training, or goes on with one that the same command line began. */
async function begin(job: Job & Record<string, unknown>, flags: Flags): Promise<void> {
  const { data: trained, test: tested, run: wanted, threads, autoResume = false } = job;
  const { quiet, libtorch, resumeFallback } = flags;
  const beginning = beginningOf({ ...job, data: trained, quiet }, givenFlags(trainSchema, job));
  initFrom({ threads, libtorch });
  await using data = await openSets(trained, tested, flags.ranks);
  tellNotes([data.train, data.test], flags);
  const auto = { threads, libtorch, resumeFallback, ranks: flags.ranks };
  await using taken = autoResume ? await takeAuto(must(wanted), auto) : undefined;
  await using model = await modelFor(beginning, data.train);
  const options = settingsFor(beginning, model);
  const transforms = transformsOf(beginning, model, data.train);
  if (data.test === undefined) adoptLook(model, transforms);
  const sets = augmented(data, transforms);
  if (flags.fastDevRun) return await devRun(model, sets, options, flags);
  const name = job.from === undefined ? beginning.preset : model.graph.name;
  const folder = wanted ?? (await nextRunFolder('runs', name));
  const following = { ...flags, taken };
  const result = await followed(
    model,
    sets,
    { ...options, run: folder, autoResume, ranks: flags.ranks },
    options,
    following,
  )
    .catch(telling(folder, { device: job.device, libtorch }, flags))
    .catch(async (error: unknown) => {
      // only if it is empty: nothing began
      if (wanted === undefined) await rmdir(folder).catch(() => undefined);
      throw error;
    });
  report(result, model, flags);
}

/** Prints how to go on with a run that a signal ended, and hands its error on. */
function telling(folder: string, given: Resumable, { quiet }: Flags): (error: unknown) => never {
  return (error) => {
    const command = isLmError(error, 'ERR_ABORTED') ? resumeCommand(folder, given) : undefined;
    if (command !== undefined && !quiet) console.error(`To go on: ${command}`);
    throw error;
  };
}

/** Goes once through all that a training does: a step, an evaluation, the files; nothing stays. */
async function devRun(model: Model, data: Sets, options: TrainSettings, flags: Flags): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lm-resnet-'));
  try {
    const short = {
      ...options,
      ...oneStep(options, data.train, flags),
      globalBatch: undefined,
      steps: 1,
      evalBatches: 1,
    };
    const { loss } = await followed(
      model,
      data,
      { ...short, run: join(folder, 'run'), ranks: flags.ranks },
      short,
      flags,
    );
    if (flags.json) console.log(JSON.stringify({ fastDevRun: true, loss }));
    else if (!flags.quiet)
      console.log(`${model.graph.name}: one step, one evaluation batch, one checkpoint: all work`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A step that the images are enough for: a try says nothing of how many there will be. */
function oneStep(
  settings: TrainSettings,
  { count, name }: Dataset,
  { quiet, ranks }: Flags,
): Pick<TrainSettings, 'batch' | 'accumulate'> {
  const { batch, accumulate } = withShare(settings, ranks?.worldSize ?? 1);
  const own = count === null ? Number.POSITIVE_INFINITY : Math.floor(count / (ranks?.worldSize ?? 1));
  if (own >= batch * accumulate) return { batch, accumulate };
  const few = Math.max(1, Math.min(accumulate, own));
  const step = { accumulate: few, batch: Math.min(batch, Math.floor(own / few)) };
  const taken = `this try takes ${few} x ${step.batch}`;
  if (!quiet)
    console.error(`note: ${name} has ${count} images, a step takes ${accumulate} x ${batch}: ${taken}`);
  return step;
}

/** The data sets with the transforms of a recipe, or of the run that goes on. */
function augmented({ train, test }: Sets, transforms: ChosenTransforms): Sets {
  const { side } = transforms;
  return {
    train: transformed(train, transforms.train, side),
    test: test && transformed(test, transforms.test, side),
  };
}

function required(name: string, example: string): LmError {
  return new LmError('ERR_CONFIG', `Expected a value for \`--${name}\` but received nothing`, {
    hint: `Add --${name} ${example}; \`lm-resnet train --help\` lists all.`,
  });
}

function report(result: TrainResult, model: Model, { json, quiet }: Flags): void {
  const { evaluation, seconds, imagesPerSecond, checkpoint, run: folder, steps, loss } = result;
  const top1 = evaluation?.top1 ?? null;
  if (json) {
    console.log(
      JSON.stringify({ top1, loss, steps, trainSeconds: seconds, imagesPerSecond, checkpoint, run: folder }),
    );
  } else if (!quiet) {
    const speed = `${steps} steps in ${seconds.toFixed(1)} s, ${imagesPerSecond.toFixed(0)} images/s`;
    console.log(
      `${model.graph.name}: ${speed}${top1 === null ? '' : `, test top-1 ${(100 * top1).toFixed(2)} %`}`,
    );
    if (result.stopped) console.log('ended before its last step: no better test top-1, or no more images');
    console.log(
      `run: ${folder}  (checkpoint.safetensors, evaluation.json, metrics.jsonl, curves.png, settings.json)`,
    );
  }
}
