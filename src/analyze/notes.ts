/** What a reader of an analysis should keep in mind. */
import type { Graph } from '../graph/graph.ts';
import type { StepAnalysis } from './analysis.ts';

/** Sentences about what does not apply to a model, or was simplified. */
export function notesOf(graph: Graph, steps: readonly StepAnalysis[], images: number): string[] {
  const has = (...ops: readonly string[]): boolean => graph.nodes.some(({ op }) => ops.includes(op));
  const opaque = steps.filter((step) => step.reason !== null && !step.transition);
  const reasons = [...new Set(opaque.map(({ reason }) => reason))].join(' ');
  const bounded = graph.coefs.some(({ kind }) => kind === 'tanh');
  return [
    ...(steps.some(({ k, learned }) => k !== null && learned.length > 0) ? [] : [noK(steps)]),
    ...(steps.length === 0 ? ['The graph records no time steps: it was not made by `network`.'] : []),
    ...(opaque.length === 0
      ? []
      : [`${opaque.length} of ${steps.length} steps are not read as a recurrence. ${reasons}`]),
    ...(has('mix')
      ? [
          'Random mixtures (stochastic depth, shake-shake, drop-path) stand at their expectation, as in evaluation.',
        ]
      : []),
    ...(has('dropout', 'gaussianNoise') ? ['Elementwise noise is left out, as in evaluation.'] : []),
    ...(bounded
      ? [
          'Some coefficients are bounded by tanh: what is shown is the coefficient, not the number inside tanh.',
        ]
      : []),
    ...(steps.some(secondOrder) ? [secondOrderNote] : []),
    ...(steps.some(({ kind }) => kind?.endsWith('variable')) ? [variablesNote] : []),
    ...(images > 0
      ? []
      : ['No images were given, so the norms of f and the trajectories of features are missing.']),
  ];
}

function noK(steps: readonly StepAnalysis[]): string {
  const fixed = steps.some(({ k }) => k !== null);
  return fixed
    ? 'The scheme has no learned k: its history coefficients are fixed numbers.'
    : 'The scheme has no k: no step reads uₙ₋₁ as eq. (1) of the paper does. For forward Euler (ResNet) this is k = 0.';
}

function secondOrder({ modified }: StepAnalysis): boolean {
  return modified !== null && Math.abs(modified.first.mean) < 1e-9;
}

const secondOrderNote =
  "Where the coefficient of u' is 0 the step integrates u'' = f: there a double root 1 at z = 0 is what such a method has, though the root condition for u' = f fails.";

const variablesNote =
  'Steps with several variables are shown by the first one: norms of u and trajectories are those of its newest value.';
