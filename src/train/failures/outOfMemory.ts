/** What a training needs when memory ran out, and what would need less. */
import { isLmError, LmError } from '../../errors.ts';
import { elements } from '../../graph/shapes.ts';
import { ampFor } from '../../model/amp.ts';
import { coreOf, type Model } from '../../model/model.ts';
import type { MemoryStrategy } from '../../model/options.ts';
import { native } from '../../native/load.ts';
import { stateSets } from '../optimizer/state.ts';
import type { TrainSettings } from '../settings.ts';

/** A change of the settings, and what a step then needs in all. */
interface Way {
  readonly change: string;
  readonly bytes: number;
}

/** Sets of tensors beside those of a training: the weights, their gradient, and what an update computes. */
const sets = 3;

/** Steps between two stored states that are tried. */
const everies = [1, 2, 4, 8, 16];

/**
 * The error of a training that memory did not suffice for: what a step needs, and which other settings fit
 * into what there is (or need less, where nobody knows what there is); any other error as it is.
 */
export function outOfMemory(error: unknown, model: Model, settings: TrainSettings): unknown {
  if (!isLmError(error, 'ERR_MEMORY')) return error;
  const { device } = model;
  const needed = bytesOf(model, settings);
  const room = native().roomOn(device) ?? (device === 'cpu' ? process.availableMemory() : null);
  const { height, width } = largestSize(model, settings);
  const left = room === null ? '' : `, and ${shown(room)} are left`;
  const message = `Memory ran out on ${device}: a batch of ${settings.batch} images of ${width} x ${height} needs ${shown(needed)} at its peak${left} (${error.message})`;
  const ways = waysOut(model, settings, Math.min(needed, room ?? needed));
  const listed = ways.map(({ change, bytes }) => `${change} (${shown(bytes)})`).join('; ');
  const found =
    ways.length === 0 ? 'No smaller batch and no strategy of memory would fit' : `These would fit: ${listed}`;
  return new LmError('ERR_MEMORY', message, {
    hint: `${found}. \`lm-resnet find-batch\` finds the largest batch.`,
    cause: error,
  });
}

function largestSize({ input }: Model, { sizes }: TrainSettings): { height: number; width: number } {
  const side = sizes && Math.max(...sizes);
  return { height: side ?? input.height, width: side ?? input.width };
}

/** Of weights and their like, and of the largest step. */
function bytesOf(model: Model, settings: TrainSettings): number {
  const { batch, memory, amp } = settings;
  const { height, width } = largestSize(model, settings);
  const options = { memory, amp: ampFor(amp, model, memory.kind) };
  const step = coreOf(model).native.stepBytes(batch, height, width, options);
  const numbers = model.graph.params.reduce((sum, { shape }) => sum + elements(shape), 0);
  return step + (sets + stateSets(settings).length) * (model.dtype === 'float64' ? 8 : 4) * numbers;
}

/** Of each kind the change that asks for least and stays below so many bytes. */
function waysOut(model: Model, settings: TrainSettings, below: number): Way[] {
  const { batch, accumulate, memory, amp } = settings;
  const tried = (change: string, settled: Partial<TrainSettings>): Way[] => {
    try {
      const bytes = bytesOf(model, { ...settings, ...settled });
      return bytes < below ? [{ change, bytes }] : [];
    } catch (error) {
      if (isLmError(error, 'ERR_CONFIG')) return []; // no scheme that can be undone, or no half types
      throw error;
    }
  };
  const strategy = (kind: MemoryStrategy['kind'], every: number): Way[] =>
    tried(`memory ${JSON.stringify({ kind, every })}`, { memory: { kind, every } });
  const least = (ways: Way[]): Way[] => ways.toSorted((a, b) => a.bytes - b.bytes).slice(0, 1);
  const recomputing = everies.flatMap((every) => strategy('recompute', every));
  const parts = [2, 4, 8, 16, 32, 64].filter((count) => batch % count === 0);
  const smaller = parts.flatMap((count) =>
    tried(`batch ${batch / count}, accumulate ${accumulate * count}`, { batch: batch / count }),
  );
  return [
    ...(memory.kind === 'store' ? least(recomputing) : []),
    ...(memory.kind === 'reverse' ? [] : strategy('reverse', 1)),
    ...(amp === 'none' && model.dtype === 'float32' ? tried('amp bfloat16', { amp: 'bfloat16' }) : []),
    ...smaller.slice(0, 1),
  ];
}

function shown(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${mebibytes.toFixed(1)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}
