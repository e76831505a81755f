import type { InputSpec } from '../graph/spec.ts';
import type { Preprocessing } from '../transforms/preprocessing.ts';

/**
 * What a network takes, and what brings image files to it in evaluations: size, crop, filter, decoding, mean
 * and deviation.
 */
export interface ModelInput extends InputSpec, Preprocessing {}
