/** Who has a model: one training at a time, and nobody once it was closed. */
import type { NativeModel } from '../native/binding.ts';
import type { Preprocessing } from '../transforms/preprocessing.ts';
import { type Core, checkIdle, opened } from './core.ts';

/** What a model takes over from the data that it is trained on; what is left out stays. */
export interface Adopted {
  readonly preprocessing?: Preprocessing;
  readonly classNames?: readonly string[];
}

/** Begins a training: one at a time. The result ends it. */
export function beginTraining(
  core: Core,
  stop: () => void,
  { preprocessing, classNames }: Adopted = {},
): { readonly native: NativeModel; readonly end: () => void } {
  checkIdle(core, 'train it');
  const native = opened(core);
  let resolve = (): void => {};
  const ended = new Promise<void>((done) => {
    resolve = done;
  });
  core.training = { stop, ended };
  core.preprocessing = preprocessing ?? core.preprocessing;
  core.classNames = classNames ?? core.classNames;
  const end = (): void => {
    core.training = null;
    resolve();
  };
  return { native, end };
}

/** Releases the native memory once a training that is under way was stopped; closing twice does nothing. */
export function close(core: Core): Promise<void> {
  core.closing ??= release(core);
  return core.closing;
}

async function release({ training, native }: Core): Promise<void> {
  training?.stop();
  await training?.ended;
  native.close();
}
