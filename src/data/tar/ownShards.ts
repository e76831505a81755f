/** Shards that ranks split among themselves: each reads its own, and nobody reads all. */
import { createHash } from 'node:crypto';
import { LmError } from '../../errors.ts';
import type { OwnPart } from '../../loading/dataset.ts';
import type { Share } from '../../loading/loaderSpec.ts';
import { indexShards, type ShardIndex, shardPaths } from './webDataset.ts';

/** The ranks that open a data set together; what `joinRanks` gave is such. */
export interface Sharers extends Share {
  /** This rank's part of a list that all have. */
  share<T>(items: readonly T[], what?: string): T[];
  /** What every rank has to say, by rank. */
  gather<T>(value: T): Promise<T[]>;
}

/** What a rank has of the shards. */
export interface OwnShards {
  readonly index: ShardIndex;
  /** Images that all ranks take: as many as the one that has the fewest. */
  readonly count: number;
  /** The highest label of all ranks. */
  readonly highest: number;
  readonly part: OwnPart;
}

/** What a rank tells the others of its shards. */
interface Told {
  readonly failure: string | null;
  readonly count: number;
  readonly highest: number;
  readonly digest: string;
}

/**
 * Finds the images of this rank's shards, every so-many-th of the list.
 *
 * @throws ERR_CONFIG where there are fewer shards than ranks; ERR_RANKS naming the rank whose shards cannot
 *   be read; what `indexShards` throws.
 */
export async function indexOwnShards(path: string | readonly string[], ranks: Sharers): Promise<OwnShards> {
  const { rank, worldSize } = ranks;
  const own = ranks.share(await shardPaths(path));
  const index = await indexShards(own).catch(async (error: unknown) => {
    await ranks.gather(told(null, error));
    throw error;
  });
  const all = await ranks.gather(told(index));
  const failed = all.findIndex(({ failure }) => failure !== null);
  if (failed >= 0)
    throw new LmError('ERR_RANKS', `Rank ${failed} failed: ${all[failed]?.failure}`, {
      hint: 'Mend this there, then start all ranks again.',
    });
  const digest = createHash('sha256').update(JSON.stringify(all)).digest('hex');
  return {
    index,
    count: Math.min(...all.map(({ count }) => count)),
    highest: Math.max(...all.map(({ highest }) => highest)),
    part: { rank, worldSize, digest },
  };
}

function told(index: ShardIndex | null, error?: unknown): Told {
  const labels = index?.labels ?? new Int32Array(0);
  const bytes = new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength);
  return {
    failure: index === null ? (error instanceof Error ? error.message : String(error)) : null,
    count: labels.length,
    highest: labels.reduce((a, b) => Math.max(a, b), 0),
    digest: createHash('sha256').update(bytes).digest('hex'),
  };
}
