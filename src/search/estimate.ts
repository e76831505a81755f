/** What a training will need, before it has run. */
import { elements } from '../graph/shapes.ts';
import { summary } from '../graph/summary.ts';
import type { Model } from '../model/model.ts';
import { stateSets } from '../train/optimizer/state.ts';
import type { TrainSettings } from '../train/settings.ts';

/** What a training needs, in bytes. */
export interface Needs {
  /** Weights, gradients, what the optimiser remembers, and what a step keeps for its backward pass: about. */
  readonly memory: number;
  /** One checkpoint: exact but for its header. */
  readonly checkpoint: number;
  /** All checkpoints that stay in the run folder. */
  readonly disk: number;
}

/**
 * Part of the outputs of all operations that a step keeps; measured for the residual networks here: 0.56 to
 * 0.68, and 0.18 to 0.25.
 */
const kept = { store: 0.65, recompute: 0.25, reverse: 0.2 } as const;

/**
 * Estimates what a training of a model needs: the memory from the activations of its graph at the nominal
 * size of the images, up to a half too high; the disk from its tensors.
 *
 * @example
 * const { memory } = estimateNeeds(model, trainSchema.parse({ batch: 256 }));
 */
export function estimateNeeds(model: Model, settings: TrainSettings): Needs {
  const size = model.dtype === 'float64' ? 8 : 4;
  const bytesOf = (specs: readonly { readonly shape: readonly number[] }[]): number =>
    size * specs.reduce((sum, { shape }) => sum + elements(shape), 0);
  const [params, buffers] = [bytesOf(model.graph.params), bytesOf(model.graph.buffers)];
  const state = stateSets(settings).reduce((sum, set) => sum + params + (set === 'ema' ? buffers : 0), 0);
  const checkpoint = params + buffers + state;
  const activations = (summary(model.graph).totals.activationBytes * size) / 4;
  const scratch = 2 * params; // the gradient, and what an update needs beside it
  return {
    memory: checkpoint + scratch + kept[settings.memory.kind] * activations * settings.batch,
    checkpoint,
    disk: checkpoint * (settings.keepLast + settings.keepBest),
  };
}
