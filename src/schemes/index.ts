/** Names of the built-in schemes, for configuration files and the command line. */
import { euler } from './euler.ts';
import { linearTwoStep } from './linearTwoStep.ts';

/** Built-in schemes by name; each entry makes one from its options. */
export const schemes: {
  readonly euler: () => typeof euler;
  readonly linearTwoStep: typeof linearTwoStep;
} = {
  euler: () => euler,
  linearTwoStep,
};

/** Name of a built-in scheme. */
export type SchemeName = keyof typeof schemes;
