import { globalAvgPool } from '../graph/functions.ts';
import type { Scope } from '../graph/scope.ts';
import type { Fn } from '../roles.ts';
import { chain, linear, norm, relu } from './layers.ts';

/** Makes what comes after the last stage, for maps of so many channels. */
export type Head = (s: Scope, channels: number) => Fn;

/**
 * Head of a pre-activation net: BN - relu - global average pool - linear. [N, C, H, W] -> logits [N, classes].
 * Parameters: bn, fc.
 *
 * @see He et al. 2016; 2prime/LM-ResNet, MResNet.py (its 8x8 pool is global at the published size).
 */
export function preactHead(classes: number): Head {
  return (s, channels) => {
    const pool: Fn = (u) => s.at('pool').within(() => globalAvgPool(u));
    const fc = linear(s.at('fc'), { in: channels, out: classes });
    return chain(norm(s.at('bn'), channels), relu(s.at('relu')), pool, fc);
  };
}
