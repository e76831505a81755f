import type { NodeSpec } from '../graph/spec.ts';
import { must } from '../must.ts';

/**
 * What a `mix` weighs its branches by in evaluation, the same for each: the expectation of what a training
 * draws. A gate: 1, or `keep` where it is scaled at test time; shaking and drop-path: 1 / branches.
 */
export function expectedWeight({ attrs, inputs }: NodeSpec): number {
  if (attrs.law !== 'bernoulli') return 1 / inputs.length;
  return attrs.scale === 'test' ? Number(must(attrs.keep)) : 1;
}
