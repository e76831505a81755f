/** Which optimiser, which parameters it treats alike, and what it remembers. */
import { didYouMean, expected } from '../../errors.ts';
import type { ParamSpec } from '../../graph/spec.ts';
import type { NativeOptimizerSpec, TensorSet } from '../../native/binding.ts';
import type { TrainSettings } from '../settings.ts';

type Optimizer = TrainSettings['optimizer'];
type Group = NativeOptimizerSpec['groups'][number];

/** What is particular to an optimiser. */
interface OptimizerTraits {
  /** The sets of tensors that it remembers from step to step. */
  readonly state: readonly TensorSet[];
  /** Whether the rate of each tensor of weights follows its norm. */
  readonly adapts: boolean;
  readonly eps: number;
}

/** The optimisers, one row each. */
export const optimizers: Readonly<Record<Optimizer, OptimizerTraits>> = {
  sgd: { state: ['momentum'], adapts: false, eps: 1e-8 },
  adamw: { state: ['momentum', 'secondMoment'], adapts: false, eps: 1e-8 },
  lars: { state: ['momentum'], adapts: true, eps: 1e-8 },
  lamb: { state: ['momentum', 'secondMoment'], adapts: true, eps: 1e-6 },
};

/**
 * Optimiser and parameter groups of a training. Weight decay acts on weights; on norm weights and biases with
 * `decayNorm`; on a coefficient such as k only when its scheme asks for it. LARS and LAMB adapt the rate of
 * weights, never of norms, biases and k.
 */
export function optimizerSpec(params: readonly ParamSpec[], settings: TrainSettings): NativeOptimizerSpec {
  checkFrozen(params, settings);
  const { optimizer, nesterov, dampening, betas, eps, trustCoefficient } = settings;
  const traits = optimizers[optimizer];
  return {
    kind: optimizer,
    nesterov,
    dampening,
    trustCoefficient,
    beta2: betas[1],
    eps: eps ?? traits.eps,
    groups: groupsOf(params, settings, traits.adapts),
  };
}

/** Groups of parameters that are treated alike, in the order of their first one. */
function groupsOf(params: readonly ParamSpec[], settings: TrainSettings, adaptive: boolean): Group[] {
  const depths = [...new Set(params.map(({ depth }) => depth))].toSorted((a, b) => b - a);
  const groups = new Map<string, Group & { readonly params: number[] }>();
  for (const [i, param] of params.entries()) {
    const isFrozen = freezes(param, settings);
    const lrScale = isFrozen ? 0 : settings.layerDecay ** depths.indexOf(param.depth);
    const decayScale = !isFrozen && decays(param, settings) ? 1 : 0;
    const adapts = !isFrozen && adaptive && param.kind === 'weight';
    const key = `${lrScale} ${decayScale} ${adapts}`;
    const group = groups.get(key) ?? { params: [], lrScale, decayScale, adapts };
    group.params.push(i);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/**
 * Whether a path lies at or below one of those that are named: `stage1` has `stage1.step0.k`, not
 * `stage10.step0.k`.
 */
function freezes({ path, depth }: ParamSpec, { freeze, freezeDepth }: TrainSettings): boolean {
  return depth < freezeDepth || freeze.some((place) => isBelow(path, place));
}

const isBelow = (path: string, place: string): boolean => path === place || path.startsWith(`${place}.`);

/**
 * Checks that what is to be frozen is there, and that something is left to learn.
 *
 * @throws ERR_UNKNOWN_NAME with the nearest path, ERR_CONFIG.
 */
function checkFrozen(params: readonly ParamSpec[], settings: TrainSettings): void {
  for (const place of settings.freeze) {
    if (params.some(({ path }) => isBelow(path, place))) continue;
    const known = params.flatMap(({ path }) =>
      path.split('.').map((_, i, all) => all.slice(0, i + 1).join('.')),
    );
    throw expected('ERR_UNKNOWN_NAME', 'a path of the model', 'train.freeze', place, {
      hint: didYouMean(place, [...new Set(known)]),
    });
  }
  if (params.every((param) => freezes(param, settings)))
    throw expected('ERR_CONFIG', 'something left to learn', 'train.freeze', settings.freeze);
}

function decays({ kind, decay }: ParamSpec, { decayNorm }: TrainSettings): boolean {
  if (decay !== undefined) return decay;
  if (kind === 'weight') return true;
  return kind === 'coefficient' ? false : decayNorm;
}
