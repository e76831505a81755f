/** What a model takes. */
import type { ModelInput } from '../loading/modelInput.ts';
import type { Core } from './core.ts';

/**
 * Size and normalisation of the images that a model takes, and what brings image files to it in evaluations
 * and predictions.
 */
export function inputOf({ graph: { input }, preprocessing }: Core): ModelInput {
  return { ...input, ...preprocessing };
}
