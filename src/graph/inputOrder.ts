/** The order in which the size of images is written: channels, height, width. */
import { expected } from '../errors.ts';

/** How many channels images have: gray, colour, colour and transparency. */
const channelCounts: readonly number[] = [1, 3, 4];

/**
 * Refuses a size of images that is written in another order, as other libraries have it.
 *
 * @param name of the option, for the message.
 * @throws ERR_CONFIG for [32, 32, 3] and the like: many channels, and a side that looks like channels.
 * @example
 * checkInputOrder([3, 32, 32], 'preset.input');
 */
export function checkInputOrder(
  input: readonly [channels: number, height: number, width: number] | undefined,
  name: string,
): void {
  if (input === undefined) return;
  const [first, ...sides] = input;
  const thin = sides.filter((side) => channelCounts.includes(side));
  const [channels] = thin;
  if (first <= 4 || thin.length !== 1 || channels === undefined) return;
  const [height, width] = input.filter((_, i) => i !== input.lastIndexOf(channels));
  throw expected('ERR_CONFIG', '[channels, height, width]', name, [...input], {
    hint: `Write [${channels}, ${height}, ${width}] for images of ${height} x ${width} pixels and ${channels} channels.`,
  });
}
