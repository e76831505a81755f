import { maxPool2d } from '../graph/functions.ts';
import type { Scope } from '../graph/scope.ts';
import type { Fn } from '../roles.ts';
import { chain, conv, type NormOptions, norm, relu } from './layers.ts';

/** Makes what comes before the first stage, for images of so many channels. */
export type Stem = (s: Scope, channels: number) => Fn;

/** What follows a stem's convolution. */
export interface StemOptions {
  /** A batch norm, with these constants. */
  readonly norm?: boolean | NormOptions;
  /** A relu, after the norm if there is one. */
  readonly relu?: boolean;
}

/** No stem: the first stage reads the image. */
export const noStem: Stem = () => (x) => x;

/**
 * CIFAR stem: one conv3x3, stride 1, by default neither norm nor relu. [N, channels, H, W] -> [N, width, H,
 * W]. Parameters: conv, bn if asked for.
 *
 * @see 2prime/LM-ResNet, MResNet.py, where bn1 and relu after the stem are commented out; He et al. 2016 has
 *   both.
 */
export function cifarStem(width: number, { norm = false, relu = false }: StemOptions = {}): Stem {
  return (s, channels) =>
    chain(conv(s.at('conv'), { in: channels, out: width, kernel: 3 }), ...normRelu(s, width, { norm, relu }));
}

/**
 * ImageNet stem: conv7x7 of stride 2, by default norm and relu, max-pool 3x3 of stride 2. [N, channels, H, W]
 * -> [N, width, H/4, W/4]. Parameters: conv, bn. Without relu the network's scheme has to apply it: relu and
 * max-pool commute.
 *
 * @see He et al., "Deep residual learning", 2016; torchvision, resnet.py.
 */
export function imagenetStem(width: number, { norm = true, relu = true }: StemOptions = {}): Stem {
  return (s, channels) => {
    const pool: Fn = (u) => s.at('pool').within(() => maxPool2d(u, { kernel: 3, stride: 2, padding: 1 }));
    const first = conv(s.at('conv'), { in: channels, out: width, kernel: 7, stride: 2 });
    return chain(first, ...normRelu(s, width, { norm, relu }), pool);
  };
}

function normRelu(s: Scope, width: number, options: Required<StemOptions>): readonly Fn[] {
  const constants = typeof options.norm === 'boolean' ? {} : options.norm;
  const norms = options.norm === false ? [] : [norm(s.at('bn'), width, constants)];
  return options.relu ? [...norms, relu(s.at('relu'))] : norms;
}
