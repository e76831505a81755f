/** What the methods of a model work on, and what most of them check first. */
import { expected, LmError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { NamedClasses } from '../loading/classNames.ts';
import type { Dtype, NativeModel } from '../native/binding.ts';
import type { Preprocessing } from '../transforms/preprocessing.ts';
import type { LoadReport } from './adapt.ts';

/** A training under way on a model: how to end it, and when it has ended. */
interface Training {
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

/** A model's network, what was chosen when it was made, and its native half. */
export interface Core {
  readonly graph: Graph;
  readonly dtype: Dtype;
  readonly device: string;
  /** Those that it was made with, or has taken over from what it is trained on. */
  classNames: readonly string[];
  /** What `load` took from the checkpoint and what begins anew; null for a model that was created. */
  readonly loaded: LoadReport | null;
  readonly native: NativeModel;
  /**
   * What happens to image files in evaluations and predictions: as it was chosen, or as the last training
   * evaluated.
   */
  preprocessing: Preprocessing;
  training: Training | null;
  /** Set once `close` was called. */
  closing: Promise<void> | null;
}

/**
 * The native half of a model that is open.
 *
 * @throws ERR_CLOSED.
 */
export function opened({ graph, native, closing }: Core): NativeModel {
  if (closing === null) return native;
  throw new LmError('ERR_CLOSED', `The model "${graph.name}" was closed`, {
    hint: 'Load or create another one; with `await using` it is closed at the end of its block.',
  });
}

/**
 * Checks that no training runs on a model.
 *
 * @throws ERR_BUSY.
 */
export function checkIdle({ graph, training }: Core, what: string): void {
  if (training === null) return;
  const message = `The model "${graph.name}" is being trained: it is too early to ${what}`;
  throw new LmError('ERR_BUSY', message, { hint: 'Await the run, or stop it first: await run.stop().' });
}

/** Its classes, for messages too. */
export function classesOf({ graph, classNames }: Core): NamedClasses {
  return { name: `the model "${graph.name}"`, classNames };
}

/** A size of images; default: that of the network's input. */
interface Sized {
  readonly height?: number | undefined;
  readonly width?: number | undefined;
}

/** How many images an array holds, and their size. */
export interface Counted {
  readonly n: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Counts the images in an array of values.
 *
 * @param name of the array, for the message.
 * @throws ERR_SHAPE when it is not a whole number of images.
 */
export function countImages(
  { graph: { input } }: Core,
  { length }: { readonly length: number },
  name: string,
  { height = input.height, width = input.width }: Sized,
): Counted {
  const n = length / (height * width * input.channels);
  if (n >= 1 && Number.isInteger(n)) return { n, height, width };
  const what = `a whole number of images, ${height} x ${width} x ${input.channels} values each,`;
  throw expected('ERR_SHAPE', what, `${name}.length`, length, {
    hint: 'The path or the bytes of an image file of any size do as well: model.predict("cat.jpg").',
  });
}
