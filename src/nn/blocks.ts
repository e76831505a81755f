import { expected } from '../errors.ts';
import type { Scope } from '../graph/scope.ts';
import type { Block, BlockFn, Fn } from '../roles.ts';
import { chain, conv, norm, relu, remembered } from './layers.ts';

/**
 * Pre-activation basic function: f(u) = conv3x3(relu(bn2(conv3x3(relu(bn1(u)))))), stride on conv1.
 * [N, in, H, W] -> [N, out, H/stride, W/stride]. Parameters: bn1, conv1, bn2, conv2. `pre` is bn1-relu.
 *
 * @see He et al., "Identity mappings in deep residual networks", 2016; 2prime/LM-ResNet, MResNet.py, BasicBlock.
 */
export const preactBasic: Block = (s, io) => {
  const pre = normRelu(s, 1, io.in);
  const rest = chain(
    conv(s.at('conv1'), { in: io.in, out: io.out, kernel: 3, stride: io.stride }),
    normRelu(s, 2, io.out),
    conv(s.at('conv2'), { in: io.out, out: io.out, kernel: 3 }),
  );
  return withPre(pre, rest);
};

/** Options of `preactBottleneck`. */
export interface BottleneckOptions {
  /** Channels out per channel inside: inside = out / expansion. Default 4. */
  readonly expansion?: number;
}

/**
 * Pre-activation bottleneck: f(u) = conv1x1(relu(bn3(conv3x3(relu(bn2(conv1x1(relu(bn1(u)))))))), stride on the 3x3.
 * [N, in, H, W] -> [N, out, H/stride, W/stride]. Parameters: bn1, conv1, bn2, conv2, bn3, conv3. `pre` is bn1-relu.
 *
 * @throws ERR_CONFIG when `out` is not a multiple of `expansion`.
 * @see He et al. 2016, which puts the stride on the first 1x1; the place here is that of 2prime/LM-ResNet, MResNet.py.
 */
export function preactBottleneck({ expansion = 4 }: BottleneckOptions = {}): Block {
  return (s, io) => {
    const inner = io.out / expansion;
    if (!Number.isInteger(inner) || inner < 1)
      throw expected('ERR_CONFIG', `a multiple of the expansion ${expansion}`, `${s.path}.out`, io.out);
    const pre = normRelu(s, 1, io.in);
    const rest = chain(
      conv(s.at('conv1'), { in: io.in, out: inner, kernel: 1 }),
      normRelu(s, 2, inner),
      conv(s.at('conv2'), { in: inner, out: inner, kernel: 3, stride: io.stride }),
      normRelu(s, 3, inner),
      conv(s.at('conv3'), { in: inner, out: io.out, kernel: 1 }),
    );
    return withPre(pre, rest);
  };
}

function normRelu(s: Scope, i: number, channels: number): Fn {
  return chain(norm(s.at(`bn${i}`), channels), relu(s.at(`relu${i}`)));
}

/** A block whose first part a shortcut may share: both see one node, so its statistics move once. */
function withPre(first: Fn, rest: Fn): BlockFn {
  const pre = remembered(first);
  return Object.assign(chain(pre, rest), { pre });
}
