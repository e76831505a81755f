/** The data sets that a command works on. */
import { type Command, Option } from 'commander';
import { parseOptions } from '../check.ts';
import { type DatasetName, datasetNames } from '../data/datasets.ts';
import { hasTestFolder } from '../data/folder/parts.ts';
import { openDataset, openSome } from '../data/open.ts';
import { type DatasetSpec, datasetKinds, datasetSchema, datasetSpec } from '../data/spec.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { Ranks } from '../ranks/ranks.ts';

/** How a data set is written on the command line. */
export const dataHelp: string = `kind:path or JSON; kinds: ${datasetKinds.join(', ')}`;

/** Adds the flags --data and --split. */
export function addDataFlags(command: Command, mandatory: boolean): void {
  command
    .addOption(new Option('--data <set>', `data set, ${dataHelp}`).makeOptionMandatory(mandatory))
    .option('--split <name>', 'train or test (default: test where there is one)');
}

/**
 * A data set of a flag (text) or of a configuration file (text or options);
 * `split` chooses another part, `what` is its name in messages.
 */
export function dataSpec(value: unknown, split?: string, what = 'data'): DatasetSpec {
  const spec = datasetSpec(value, what);
  return split === undefined ? spec : parseOptions(datasetSchema, { ...spec, split }, what);
}

/**
 * Opens the part that is meant: the one named, else the one to test on where there is one, else all of it.
 *
 * @param choose takes some of its images.
 */
export async function openPart(
  value: unknown,
  split?: string,
  choose?: (labels: Int32Array, classes: number) => Int32Array,
): Promise<Dataset> {
  const spec = dataSpec(value, split);
  return openSome(split === undefined && (await hasTestPart(spec)) ? { ...spec, split: 'test' } : spec, {
    choose,
    emptyClasses: true,
  });
}

/** What to train on, and what to test on. */
export interface Sets {
  readonly train: Dataset;
  readonly test: Dataset | undefined;
}

/** Sets that are closed together. */
export interface OpenSets extends Sets, AsyncDisposable {}

/**
 * Opens what to train on and what to test on: of the same data set where it has such a part, unless another
 * is given, or null: none. The transform is that of training; to test on one's own, name the set with its
 * transform.
 */
export async function openSets(value: unknown, other: unknown, ranks?: Ranks): Promise<OpenSets> {
  const spec = dataSpec(value);
  const testSpec = other === undefined || other === null ? other : dataSpec(other, undefined, 'test');
  const train = await openDataset(spec, { ranks });
  try {
    const test = await (testSpec === undefined ? openTestPart(spec) : testSpec && openPart(testSpec));
    const close = async (): Promise<void> => {
      await Promise.all([train.close(), test?.close()]);
    };
    return { train, test: test ?? undefined, [Symbol.asyncDispose]: close };
  } catch (error) {
    await train.close();
    throw error;
  }
}

async function openTestPart(spec: DatasetSpec): Promise<Dataset | undefined> {
  if (!(await hasTestPart(spec))) return undefined;
  return openDataset({ ...spec, split: 'test', transform: undefined });
}

async function hasTestPart(spec: DatasetSpec): Promise<boolean> {
  if (spec.holdOut !== undefined || isNamed(spec.kind)) return true;
  return spec.kind === 'imageFolder' && hasTestFolder(spec.path);
}

function isNamed(kind: string): kind is DatasetName {
  return (datasetNames as readonly string[]).includes(kind);
}
