import type { Scope } from '../graph/scope.ts';
import type { Fn } from '../roles.ts';
import { conv } from './layers.ts';

/** Makes what comes before the first stage, for images of so many channels. */
export type Stem = (s: Scope, channels: number) => Fn;

/**
 * CIFAR stem: one conv3x3, stride 1, neither norm nor relu. [N, channels, H, W] -> [N, width, H, W].
 *
 * @see 2prime/LM-ResNet, MResNet.py, where bn1 and relu after the stem are commented out.
 */
export function cifarStem(width: number): Stem {
  return (s, channels) => conv(s.at('conv'), { in: channels, out: width, kernel: 3 });
}
