/** What the ranks of a training tell each other beside their steps. */

import { isLmError, LmError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import type { NativeChunkResult } from '../../native/binding.ts';
import { requireNccl } from '../../ranks/nccl.ts';
import type { Ranks } from '../../ranks/ranks.ts';
import { versions } from '../../ranks/versions.ts';
import { marksOf } from '../../run/runState.ts';
import type { TrainSettings } from '../settings.ts';
import type { TrainSets } from '../trainSets.ts';

/**
 * Checks that all ranks train the same: versions, network, settings, images.
 *
 * @param resumed where they go on from.
 * @throws ERR_RANKS naming what differs; ERR_ADDON_MISSING where this rank has a CUDA device and no NCCL.
 */
export async function agreeOn(
  { ranks }: Together,
  model: Model,
  data: TrainSets,
  settings: TrainSettings,
  resumed: { readonly step: number } | undefined,
): Promise<void> {
  if (ranks === undefined) return;
  requireNccl(model.device);
  const { workers: _, ...shared } = settings; // hosts may have other numbers of cores
  await ranks.agree({
    ...versions(),
    device: model.device.replace(/:\d+$/, ''),
    dtype: model.dtype,
    network: model.graph.toSpec(),
    classNames: model.classNames,
    settings: shared,
    data: marksOf(data),
    step: resumed?.step ?? 0,
  });
}

/** The processes that take every step of a training together: the ranks, or this one alone. */
export class Together {
  readonly ranks: Ranks | undefined;
  #reason: string | null = null;

  constructor(ranks: Ranks | undefined) {
    this.ranks = ranks;
  }

  get worldSize(): number {
    return this.ranks?.worldSize ?? 1;
  }

  /** Why all of them stopped: the reason of this signal, or of another rank's; null where none had one. */
  reasonOf(signal: AbortSignal | undefined): unknown {
    return signal?.aborted ? signal.reason : this.#reason;
  }

  /** Runs the training of a rank: where it fails, the others learn why. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isLmError(error, 'ERR_ABORTED')) await this.ranks?.abandon(error);
      throw error;
    }
  }

  /**
   * Whether a chunk ended for another reason than its steps, on this rank or another.
   *
   * @param signal of this rank.
   * @throws what failed here; ERR_RANKS naming the rank whose images failed.
   */
  async hasEnded(chunk: NativeChunkResult, signal: AbortSignal | undefined): Promise<boolean> {
    const { said, failure } = chunk;
    if (this.ranks !== undefined && (said === 'stop' || said === 'failed')) {
      const reason = signal?.aborted ? String(signal.reason) : null;
      const all = await this.ranks.gather({ failure: failure?.message ?? null, reason });
      this.#reason = all.find((one) => one.reason !== null)?.reason ?? null;
      const failed = all.findIndex((one) => one.failure !== null);
      if (failed >= 0 && failure === null)
        throw new LmError('ERR_RANKS', `Rank ${failed} failed: ${all[failed]?.failure}`, {
          hint: 'Mend this there, then resume the run.',
        });
    }
    if (failure !== null) throw failure;
    return said !== null || chunk.exhausted;
  }

  /** The layer in which the first value that is not finite appeared, on the first rank that had one. */
  async firstLayer(layer: string): Promise<string> {
    if (this.ranks === undefined) return layer;
    const layers = await this.ranks.gather(layer);
    const rank = layers.findIndex((one) => one !== '');
    return rank < 0 ? 'loss' : `${layers[rank]} (rank ${rank})`;
  }
}
