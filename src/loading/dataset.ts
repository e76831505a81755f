import { LmError } from '../errors.ts';
import type { NativeSource, NativeSourceSpec, RawSize } from '../native/binding.ts';
import { native } from '../native/load.ts';
import type { DecodingInput } from '../transforms/decoding.ts';
import type { Transform } from '../transforms/transforms.ts';
import type { ChannelStatistics } from './channelStatistics.ts';

/** Whose part of a data set it is of which nobody has all. */
export interface OwnPart {
  readonly rank: number;
  readonly worldSize: number;
  /** Of what all ranks have together. */
  readonly digest: string;
}

/** What a data set is made of. */
export interface DatasetParts {
  /** Name in messages and reports. */
  readonly name: string;
  readonly classNames: readonly string[];
  /** Class of every image; null where they are not known beforehand (a stream). */
  readonly labels: Int32Array | null;
  /** Size of images that are pixels; null where they are files of any size. */
  readonly size: RawSize | null;
  /** What happens to an image on its way into a batch; default: what training or evaluation choose. */
  readonly transform?: Transform | undefined;
  /** How files become pixels, as far as the set says so; the rest is the model's. */
  readonly decoding?: DecodingInput | undefined;
  /** What pixels are normalised with, where it is known; default: it is not. */
  readonly statistics?: ChannelStatistics | undefined;
  /** What was taken for what, and what was passed over; default: nothing. */
  readonly notes?: readonly string[] | undefined;
  /** What it was opened from, so that it can be opened again; default: nothing. */
  readonly spec?: Readonly<Record<string, unknown>> | null | undefined;
  /** Whose part it is of what several ranks have, each its own; default: it is all there is. */
  readonly part?: OwnPart | null | undefined;
}

/**
 * Labelled images on disk or in memory, with what happens to them on their way into a batch;
 * `openDataset` makes one. Holds native memory: `close` it, or write `await using data = …`.
 *
 * @example
 * await using photos = await openDataset({ kind: 'imageFolder', path: 'imagenet', split: 'train' });
 * console.log(photos.count, photos.classNames.length);
 */
export class Dataset {
  readonly name: string;
  readonly classNames: readonly string[];
  /** Class of every image, int32 [count]; null for a stream. */
  readonly labels: Int32Array | null;
  /** Number of images; null for a stream. */
  readonly count: number | null;
  /** Size of images that are pixels; null for files. */
  readonly size: RawSize | null;
  readonly transform: Transform | undefined;
  /** Published mean and deviation of its pixels; undefined where they are not known. */
  readonly statistics: ChannelStatistics | undefined;
  /** How files become pixels, as far as the set says so; the rest is the model's. */
  readonly decoding: DecodingInput;
  /** What was taken for what when it was opened, and what was passed over: sentences for a person. */
  readonly notes: readonly string[];
  /** What `openDataset` opened it from, with whole paths; null for pixels in memory and streams. */
  readonly spec: Readonly<Record<string, unknown>> | null;
  /** Whose part it is of shards that ranks split; null where it is all there is. */
  readonly part: OwnPart | null;
  readonly #shared: Shared;

  /** @internal */
  constructor(parts: DatasetParts, source: NativeSourceSpec | Shared) {
    this.name = parts.name;
    this.classNames = parts.classNames;
    this.labels = parts.labels;
    this.count = parts.labels?.length ?? null;
    this.size = parts.size;
    this.transform = parts.transform;
    this.statistics = parts.statistics;
    this.decoding = parts.decoding ?? {};
    this.notes = parts.notes ?? [];
    this.spec = parts.spec ?? null;
    this.part = parts.part ?? null;
    this.#shared = 'kind' in source ? share(source) : source;
  }

  /** The same images with another transform; they share their memory, and are closed together. */
  with(transform: Transform): Dataset {
    return new Dataset({ ...this, transform }, this.#shared);
  }

  /** What a message calls an image: its path, or a file and the place in it. */
  nameOf(index: number): string {
    return this.source.name(index);
  }

  /** @internal */
  get source(): NativeSource {
    if (!this.#shared.closed) return this.#shared.source;
    throw new LmError('ERR_CLOSED', `The data set "${this.name}" was closed`, {
      hint: 'Open it again; with `await using` it is closed at the end of its block.',
    });
  }

  /** Where the files of the images are; null where there are none. @internal */
  get files(): FileSource | null {
    return this.#shared.files;
  }

  /** Releases its memory and files once no training or evaluation reads them; closing twice does nothing. */
  async close(): Promise<void> {
    if (this.#shared.closed) return;
    this.#shared.closed = true;
    this.#shared.source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A source of image files. */
export type FileSource = Extract<NativeSourceSpec, { readonly kind: 'files' | 'ranges' }>;

interface Shared {
  readonly source: NativeSource;
  readonly files: FileSource | null;
  closed: boolean;
}

function share(spec: NativeSourceSpec): Shared {
  const files = spec.kind === 'files' || spec.kind === 'ranges' ? spec : null;
  return { source: new (native().Source)(spec), files, closed: false };
}
