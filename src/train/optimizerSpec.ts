/** Which optimiser, and which parameters it treats alike. */
import type { ParamSpec } from '../graph/spec.ts';
import type { NativeOptimizerSpec } from '../native/binding.ts';
import type { TrainSettings } from './options.ts';

/**
 * Optimiser and parameter groups of a training. Weight decay acts on weights; on norm weights and biases with `decayNorm`; on a
 * coefficient such as k only when its scheme asks for it.
 */
export function optimizerSpec(params: readonly ParamSpec[], settings: TrainSettings): NativeOptimizerSpec {
  const decayed: number[] = [];
  const free: number[] = [];
  params.forEach((param, i) => {
    (decays(param, settings) ? decayed : free).push(i);
  });
  return {
    kind: 'sgd',
    nesterov: settings.nesterov,
    groups: [
      { params: decayed, lrScale: 1, decayScale: 1 },
      { params: free, lrScale: 1, decayScale: 0 },
    ],
  };
}

function decays({ kind, decay }: ParamSpec, { decayNorm }: TrainSettings): boolean {
  if (decay !== undefined) return decay;
  if (kind === 'weight') return true;
  return kind === 'coefficient' ? false : decayNorm;
}
