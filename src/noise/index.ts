/** Names of the built-in noises, for configuration files and the command line. */
import { dropout } from './dropout.ts';
import { gaussianNoise } from './gaussianNoise.ts';
import { shakeShake } from './shakeShake.ts';
import { stochasticDepth } from './stochasticDepth.ts';

/** Built-in noises by name; each entry makes one from its options. */
export const noises: {
  readonly stochasticDepth: typeof stochasticDepth;
  readonly shakeShake: typeof shakeShake;
  readonly gaussianNoise: typeof gaussianNoise;
  readonly dropout: typeof dropout;
} = { stochasticDepth, shakeShake, gaussianNoise, dropout };

export { dropout, gaussianNoise, shakeShake, stochasticDepth };

/** Name of a built-in noise. */
export type NoiseName = keyof typeof noises;
