import { lin, relu } from '../../../src/graph/functions.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import type { InputSpec } from '../../../src/graph/spec.ts';
import { type NetworkConfig, network } from '../../../src/models/network.ts';
import { preactBasic } from '../../../src/nn/blocks.ts';
import { preactHead } from '../../../src/nn/heads.ts';
import { cifarStem } from '../../../src/nn/stems.ts';
import { ownNormShortcut } from '../../../src/nn/transitions.ts';
import type { Block, Scheme } from '../../../src/roles.ts';
import { linearTwoStep } from '../../../src/schemes/linearTwoStep.ts';

/** One gray 1 x 1 image: u is a number. */
export const scalar: InputSpec = { channels: 1, height: 1, width: 1, mean: [0], std: [1] };

/**
 * Integrates u' = f(u) by so many steps of a scheme, without stem, head or layers; `change` replaces parts of
 * it.
 */
export function integrator(
  scheme: Scheme,
  steps: number,
  block: Block,
  change: Partial<NetworkConfig> = {},
): Graph {
  return network({
    name: `scalar-${scheme.name}`,
    input: scalar,
    classes: 1,
    stem: () => (x) => x,
    stages: [{ width: 1, steps, stride: 1 }],
    block,
    scheme,
    transition: ([u]) => [u],
    head: () => () => (u) => u,
    ...change,
  });
}

/** f(u) = z·u. */
export const linearField =
  (z: number): Block =>
  () =>
  (u) =>
    lin([z, u]);

/** f(u) = what the evaluator takes `relu` for. */
export const opaqueField: Block = () => relu;

/** A thin LM net: 2 stages of 3 steps, 4 and 8 channels, 8 x 8 pixels. */
export const thin: NetworkConfig = {
  name: 'thin',
  input: { channels: 3, height: 8, width: 8, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  classes: 5,
  stem: cifarStem(4),
  stages: [
    { width: 4, steps: 3, stride: 1 },
    { width: 8, steps: 3, stride: 2 },
  ],
  block: preactBasic,
  scheme: linearTwoStep(),
  transition: ownNormShortcut,
  head: preactHead,
};
