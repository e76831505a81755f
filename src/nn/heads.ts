import { globalAvgPool } from '../graph/functions.ts';
import type { Scope } from '../graph/scope.ts';
import type { Fn } from '../roles.ts';
import { chain, dropout, linear, type NormOptions, norm, relu } from './layers.ts';

/** Makes what comes after the last stage, for maps of so many channels. */
export type Head = (s: Scope, channels: number) => Fn;

/** Options of both heads. */
export interface HeadOptions {
  /** Dropout before the linear layer, in [0, 1); default 0. */
  readonly dropout?: number;
}

/**
 * Head of a pre-activation net: BN - relu - global average pool - dropout - linear. [N, C, H, W] -> logits
 * [N, classes]. Parameters: bn, fc.
 *
 * @see He et al. 2016; 2prime/LM-ResNet, MResNet.py (its 8x8 pool is global at the published size).
 */
export function preactHead(
  classes: number,
  options: HeadOptions & { readonly norm?: NormOptions } = {},
): Head {
  return (s, channels) =>
    chain(
      norm(s.at('bn'), channels, options.norm),
      relu(s.at('relu')),
      plainHead(classes, options)(s, channels),
    );
}

/**
 * Head of a post-activation net: global average pool - dropout - linear. [N, C, H, W] -> logits [N, classes].
 * Parameters: fc.
 *
 * @param options.relu a relu before the pool, for a net whose last step has none (shake-shake); default
 *   false.
 * @see He et al., "Deep residual learning", 2016.
 */
export function plainHead(classes: number, options: HeadOptions & { readonly relu?: boolean } = {}): Head {
  return (s, channels) => {
    const pool: Fn = (u) => s.at('pool').within(() => globalAvgPool(u));
    const first = options.relu === true ? [relu(s.at('relu'))] : [];
    const fc = linear(s.at('fc'), { in: channels, out: classes });
    return chain(...first, pool, dropout(s.at('dropout'), options.dropout ?? 0), fc);
  };
}
