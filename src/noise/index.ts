/** The built-in noises. */
export { dropout } from './dropout.ts';
export { gaussianNoise } from './gaussianNoise.ts';
export { shakeShake } from './shakeShake.ts';
export { stochasticDepth } from './stochasticDepth.ts';
