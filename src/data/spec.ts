/** Data sets as plain data: the same in the API, in a configuration file and on the command line. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import { expandHome } from '../files.ts';
import { parseJson } from '../json.ts';
import { type DecodingInput, decodingShape } from '../transforms/decoding.ts';
import { type Transform, type TransformInput, transformSchema } from '../transforms/transforms.ts';
import { type DatasetName, datasetNames, type Split } from './datasets.ts';

/**
 * Images held out of the ones to train on: a part of every class, drawn by the seed, or those that a file
 * lists by name.
 */
export type HoldOut =
  | { readonly fraction: number; readonly seed: number }
  /** One name a line: paths as in the folder or archive; of images without names their numbers from 0. */
  | { readonly file: string };

interface Common extends DecodingInput {
  /** Which part; default 'train'. With `holdOut` 'test' is what is held out of the part to train on. */
  readonly split: Split;
  readonly holdOut?: HoldOut | undefined;
  /** What happens to an image on its way into a batch. */
  readonly transform?: Transform | undefined;
}

/** A known data set in the folder of its published files. */
export interface NamedSpec extends Common {
  readonly kind: DatasetName;
  readonly path: string;
}

/**
 * Image files (JPEG, PNG, BMP, Netpbm) in one folder for each class, as ImageNet and torchvision's
 * `ImageFolder` have them. Where all folders in it are parts (`train`, and `val`, `valid`, `validation` or
 * `test`), `split` chooses between them.
 */
export interface ImageFolderSpec extends Common {
  readonly kind: 'imageFolder';
  readonly path: string;
}

/** WebDataset: tar shards of pairs `name.jpg` (or `.jpeg`, `.png`) and `name.cls`, the class as a number. */
export interface WebDatasetSpec extends Common {
  readonly kind: 'webDataset';
  /** A path with braces (`train-{000..146}.tar`, `{a,b}.tar`) or stars, or several. */
  readonly path: string | readonly string[];
  /** Default: "0", "1", … up to the highest label. */
  readonly classNames?: readonly string[] | undefined;
  /**
   * Shards whose images are shuffled together, default 16: shards are read in random order, a few at a time.
   */
  readonly window: number;
  /**
   * Whether each of several ranks reads shards of its own, of which nobody else looks at one, default false:
   * all ranks look at all shards, and share the images as those of any data set.
   */
  readonly splitShards: boolean;
}

/** Records that `lm-resnet pack` wrote: a folder. */
export interface RecordsSpec extends Common {
  readonly kind: 'records';
  readonly path: string;
}

/** A data set on disk. */
export type DatasetSpec = NamedSpec | ImageFolderSpec | WebDatasetSpec | RecordsSpec;

type Written<S extends Common> = Omit<S, 'split' | 'holdOut' | 'transform' | 'window' | 'splitShards'> & {
  readonly split?: Split | undefined;
  readonly holdOut?:
    | { readonly fraction: number; readonly seed?: number | undefined }
    | { readonly file: string }
    | undefined;
  readonly transform?: TransformInput | undefined;
} & ('window' extends keyof S
    ? { readonly window?: number | undefined; readonly splitShards?: boolean | undefined }
    : unknown);

/** A data set as it may be written: what is left out has a default. */
export type DatasetSpecInput =
  | Written<NamedSpec>
  | Written<ImageFolderSpec>
  | Written<WebDatasetSpec>
  | Written<RecordsSpec>;

const path = z.string().min(1).transform(expandHome);
const common = {
  split: z.enum(['train', 'test']).default('train').describe('which part'),
  holdOut: z
    .union([
      z.strictObject({ fraction: z.number().gt(0).lt(1), seed: z.int().min(0).default(0) }),
      z.strictObject({ file: path }),
    ])
    .optional()
    .describe('images held out of the ones to train on'),
  transform: transformSchema.optional().describe('what happens to an image on its way into a batch'),
  ...decodingShape,
};

/** The schema of a data set. */
export const datasetSchema: z.ZodType<DatasetSpec, DatasetSpecInput> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(datasetNames as [DatasetName, ...DatasetName[]]), path, ...common }),
  z.strictObject({ kind: z.literal('imageFolder'), path, ...common }),
  z.strictObject({
    kind: z.literal('webDataset'),
    path: z.union([path, z.array(path).min(1)]),
    classNames: z.array(z.string()).min(1).optional(),
    window: z.int().min(1).default(16),
    splitShards: z.boolean().default(false),
    ...common,
  }),
  z.strictObject({ kind: z.literal('records'), path, ...common }),
]);

/** Kinds of data sets. */
export const datasetKinds: readonly DatasetSpec['kind'][] = [
  ...datasetNames,
  'imageFolder',
  'webDataset',
  'records',
];

/** The same data set from any folder that a program stands in: its paths begin at the root. */
export function withWholePaths(spec: DatasetSpec): DatasetSpec {
  const { path, holdOut } = spec;
  const paths = typeof path === 'string' ? whole(path) : path.map(whole);
  const out = holdOut !== undefined && 'file' in holdOut ? { holdOut: { file: whole(holdOut.file) } } : {};
  return { ...spec, ...out, path: paths } as DatasetSpec;
}

/** Braces may hold whole paths: `{/a,/b}/x.tar`. */
function whole(path: string): string {
  return /^\{*\//.test(path) ? path : resolve(path);
}

/**
 * A data set in short, as the command line takes it: `kind:path`, or the specification as JSON.
 *
 * @throws ERR_CONFIG for what is neither, or a wrong option.
 * @example
 * parseDataset('imageFolder:/data'); // { kind: 'imageFolder', path: '/data', split: 'train' }
 */
export function parseDataset(text: string, what = 'data'): DatasetSpec {
  return datasetSpec(text, what);
}

/**
 * A data set as it may be written, in short or as options, with its defaults.
 *
 * @throws ERR_CONFIG.
 * @internal
 */
export function datasetSpec(value: unknown, what = 'data'): DatasetSpec {
  const isText = typeof value === 'string';
  return parseOptions(datasetSchema, isText ? fromText(value, what) : value, what);
}

function fromText(text: string, what: string): unknown {
  return text.trimStart().startsWith('{') ? fromJson(text, what) : fromShort(text, what);
}

function fromShort(text: string, what: string): { kind: string; path: string } {
  const [, kind = '', path = ''] = /^([\w-]+):(.+)$/s.exec(text) ?? [];
  if (kind !== '') return { kind, path };
  throw expected('ERR_CONFIG', 'a data set as kind:path', what, text, {
    hint: `Kinds: ${datasetKinds.join(', ')}; for example imageFolder:DIR.`,
  });
}

function fromJson(text: string, what: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw expected('ERR_CONFIG', 'JSON', what, text, { cause });
  }
}
