import { expected } from '../errors.ts';

/** Size and channels of pixels: 1 channel is gray, 3 are RGB. */
export interface ImageSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** @throws ERR_CONFIG for a size out of 1 … 16383, or channels other than 1 and 3. */
export function checkSize(size: ImageSize): void {
  if (typeof size !== 'object' || size === null)
    throw expected('ERR_CONFIG', 'height, width and channels', 'size', size);
  const { channels, height, width } = size;
  for (const [name, value] of Object.entries({ height, width }))
    if (!Number.isSafeInteger(value) || value < 1 || value > 16383)
      throw expected('ERR_CONFIG', 'an integer from 1 to 16383', name, value);
  if (channels !== 1 && channels !== 3)
    throw expected('ERR_CONFIG', '1 (gray) or 3 (RGB)', 'channels', channels);
}
