/** The ranks of a training: the processes, on one host or many, that share its batches. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected, LmError } from '../errors.ts';
import type { NativeRanks, NativeTraffic } from '../native/binding.ts';
import { called } from '../native/calls.ts';
import { native } from '../native/load.ts';
import { placeOf, type RankPlace } from './environment.ts';
import { writeLastWords } from './lastWords.ts';

/** How a process finds the others; what is left out is read from the environment of its launcher. */
export interface RanksOptions {
  /** Number of this process, from 0. */
  readonly rank?: number | undefined;
  /** Processes in all; 1: this one trains alone, whatever the environment says. */
  readonly worldSize?: number | undefined;
  /** Host of rank 0, at which the ranks meet. */
  readonly masterAddr?: string | undefined;
  /** Port there, default 29500. */
  readonly masterPort?: number | undefined;
  /** Seconds that a rank waits for others at most, default 600. */
  readonly timeout?: number | undefined;
}

interface RanksSettings extends RanksOptions {
  readonly timeout: number;
}

/** The options of `joinRanks`, in the schemas of those who have them. */
export const ranksShape: {
  readonly [K in keyof Required<RanksOptions>]: z.ZodType<RanksSettings[K], RanksOptions[K]>;
} = {
  rank: z.int().min(0).optional().describe('number of this process among all, from 0'),
  worldSize: z.int().min(1).optional().describe('processes in all; 1: alone, whatever the environment says'),
  masterAddr: z.string().min(1).optional().describe('host of rank 0, at which the ranks meet'),
  masterPort: z.int().min(1).max(65_535).optional().describe('port there (default: 29500)'),
  timeout: z
    .number()
    .positive()
    .max(1e6)
    .default(600)
    .describe('seconds that a rank waits for others at most'),
};

/** The schema of the options of `joinRanks`. */
export const ranksSchema: z.ZodType<RanksSettings, RanksOptions> = z.object(ranksShape);

/**
 * Joins the other processes of a training: waits until all have come. The place of this one is read from the
 * variables of torchrun, Slurm, Open MPI, MPICH, PyTorchJob or an Indexed Job, or given.
 *
 * @returns the ranks, to be given to `train`; null where this process is the only one.
 * @throws ERR_CONFIG naming the variable that is missing or wrong; ERR_RANKS naming the ranks that did not
 *   come within the timeout, or the port that is taken.
 * @example
 * await using ranks = await joinRanks();
 * await train(model, data, { batch: 64, ranks });
 */
export async function joinRanks(options: RanksOptions = {}): Promise<Ranks | null> {
  const { timeout, ...given } = parseOptions(ranksSchema, options, 'ranks');
  const place = placeOf(given);
  if (place === null) return null;
  return told(async () => {
    const open = new (native().Ranks)({ ...place, timeoutMs: Math.ceil(timeout * 1000) });
    await called(joinRanks, () => open.join());
    return new Ranks(place, open);
  });
}

/** Runs what may end this rank; the launcher is told why it does. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await writeLastWords(error);
    throw error;
  }
}

/** The ranks of a training, once all have come. `close` them, or write `await using`. */
export class Ranks {
  /** @internal */
  readonly native: NativeRanks;
  readonly place: RankPlace;
  #ended = false;

  /** @internal */
  constructor(place: RankPlace, open: NativeRanks) {
    this.place = place;
    this.native = open;
  }

  get rank(): number {
    return this.place.rank;
  }

  get worldSize(): number {
    return this.place.worldSize;
  }

  /** Whether this rank writes the files of a run, and tells of it. */
  get isFirst(): boolean {
    return this.place.rank === 0;
  }

  /**
   * The CUDA device of this rank, that of its number on its host, where a libtorch with CUDA sees several;
   * "cuda" where it sees one, as a launcher may give each rank its own; else "cpu".
   *
   * @throws ERR_DEVICE when this host has more ranks than devices.
   */
  get device(): 'cpu' | 'cuda' | `cuda:${number}` {
    return deviceOf(this.place.localRank, native().info().cudaDevices);
  }

  /**
   * This rank's part of a list that all ranks have: every so-many-th, beginning with its number. For shards
   * of a training set that no host reads whole, whose samples come as a stream.
   *
   * @param what they are, for the message.
   * @throws ERR_CONFIG when there are fewer than ranks.
   * @example
   * const shards = ranks.share(await listShards());
   * const data = fromAsyncIterable(samplesOf(shards), { classNames });
   */
  share<T>(items: readonly T[], what = 'shards'): T[] {
    const { rank, worldSize } = this.place;
    if (items.length >= worldSize) return items.filter((_, i) => i % worldSize === rank);
    throw new LmError(
      'ERR_CONFIG',
      `Expected at least ${worldSize} ${what}, one for each rank, but received ${items.length}`,
      { hint: `Launch at most ${items.length} ranks, or make more ${what}.` },
    );
  }

  /** Seconds spent waiting for other ranks, and bytes handed to them. */
  traffic(): NativeTraffic {
    return this.native.traffic();
  }

  /** What every rank has to say, by rank. */
  async gather<T>(value: T): Promise<T[]> {
    const texts = await called(this.gather, () => this.native.gather(JSON.stringify(value)));
    return texts.map((text) => JSON.parse(text) as T);
  }

  /**
   * Checks that something is the same on all ranks; all of them learn what differs.
   *
   * @param facts plain data, by what they are called.
   * @throws ERR_RANKS naming the first rank and fact that differ from rank 0's.
   */
  async agree(facts: Readonly<Record<string, unknown>>): Promise<void> {
    const flat = flattened(facts);
    const all = await this.gather(flat);
    const first = all[0] ?? {};
    for (const [rank, other] of all.entries()) {
      const names = [...new Set([...Object.keys(first), ...Object.keys(other)])];
      const name = names.find((one) => first[one] !== other[one]);
      if (name === undefined) continue;
      const value = (of: Readonly<Record<string, string>>): string => shortened(of[name] ?? 'nothing');
      throw new LmError(
        'ERR_RANKS',
        `Expected the same \`${name}\` on all ranks but received ${value(first)} on rank 0 and ${value(other)} on rank ${rank}`,
        { hint: 'Start all ranks with the same version, options and data.' },
      );
    }
  }

  /** Ends the group; the others learn why, and end too. */
  async abandon(error: unknown): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await writeLastWords(error);
    await this.native.abandon(error instanceof Error ? error.message : String(error));
  }

  /** Leaves in good order, when all are done; the first rank waits for the others. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.native.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * The device of a rank by its number on its host.
 *
 * @throws ERR_DEVICE when it has more ranks than devices, of which there are several.
 */
export function deviceOf(localRank: number, devices: number): 'cpu' | 'cuda' | `cuda:${number}` {
  if (devices < 2) return devices === 1 ? 'cuda' : 'cpu';
  if (localRank < devices) return `cuda:${localRank}`;
  throw expected(
    'ERR_DEVICE',
    `at most ${devices} ranks on a host, one for each GPU,`,
    'LOCAL_RANK',
    localRank,
    { hint: 'Launch as many as there are GPUs, or give each its --device.' },
  );
}

/** Nested facts by their paths, as they read in a message. */
function flattened(value: unknown, path = ''): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { [path]: JSON.stringify(value) ?? 'nothing' };
  return Object.assign(
    {},
    ...Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => flattened(inner, path === '' ? name : `${path}.${name}`)),
  );
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}…` : text);
