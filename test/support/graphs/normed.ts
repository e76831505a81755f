/** Batch norm in its two halves, with a momentum of its own. */
import * as fn from '../../../src/graph/functions.ts';
import { constant } from '../../../src/graph/inits.ts';
import type { Node } from '../../../src/graph/node.ts';
import type { Scope } from '../../../src/graph/scope.ts';

export const normed = (s: Scope, x: Node): { stats: Node; y: Node } => {
  const c = x.channels;
  const stats = fn.batchNormStats(x, {
    runningMean: s.buffer('mean', [c], 0),
    runningVar: s.buffer('var', [c], 1),
    momentum: 0.3,
  });
  const affine = { weight: s.param('weight', [c], constant(1)), bias: s.param('bias', [c], constant(0)) };
  return { stats, y: fn.batchNormApply(x, stats, affine) };
};
