/** What pixels are normalised with. */

/** Mean and standard deviation per channel, of pixels scaled to [0, 1]. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}
