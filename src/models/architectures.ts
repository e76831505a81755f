/** The families of built-in models: sizes in, network out. */
import { expected } from '../errors.ts';
import { stochasticDepth } from '../noise/stochasticDepth.ts';
import { type FractalNetSpec, fractalNet } from './fractalNet.ts';
import { type PolyNetSpec, polyNet } from './polynet.ts';
import { type ResidualSpec, residualNet } from './residual.ts';
import { type RevNetSpec, revNet } from './revnet.ts';
import { type ShakeShakeSpec, shakeShakeNet } from './shakeShakeNet.ts';
import type { Architecture, Variants } from './variants.ts';

/** Sizes of a network of any family. */
export type Spec = ResidualSpec | RevNetSpec | PolyNetSpec | FractalNetSpec | ShakeShakeSpec;

/** Which variants a family has. */
const known: Readonly<Record<Spec['net'], readonly (keyof Variants)[]>> = {
  resnet: ['shortcut', 'scheme', 'dropPath'],
  preact: ['shortcut', 'scheme', 'dropPath'],
  lm: ['shortcut', 'history', 'k', 'scheme', 'dropPath'],
  revnet: ['dropPath'],
  polynet: ['dropPath'],
  fractal: ['affine', 'dropPath'],
  shakeShake: ['dropPath'],
};

/**
 * The network of these sizes, in one of its variants.
 *
 * @throws ERR_CONFIG for a variant that the family has not.
 * @example
 * const thin = architecture({ net: 'lm', set: 'cifar', block: 'basic', steps: 2, base: 4 });
 */
export function architecture(spec: Spec, variants: Variants = {}): Architecture {
  for (const [name, value] of Object.entries(variants))
    if (value !== undefined && !known[spec.net].includes(name as keyof Variants))
      throw expected('ERR_CONFIG', `no value in a ${spec.net} net`, `preset.${name}`, value);
  const { dropPath } = variants;
  const made = family(spec, variants);
  if (dropPath === undefined || spec.net === 'fractal') return made;
  const drop = stochasticDepth({ last: 1 - dropPath, per: 'sample' });
  const own = 'survival' in spec ? undefined : made.noise;
  return { ...made, noise: own === undefined ? drop : (fresh, at) => drop(() => own(fresh, at), at) };
}

function family(spec: Spec, variants: Variants): Architecture {
  switch (spec.net) {
    case 'revnet':
      return revNet(spec);
    case 'polynet':
      return polyNet(spec);
    case 'fractal':
      return fractalNet(spec, variants);
    case 'shakeShake':
      return shakeShakeNet(spec);
    default:
      return residualNet(spec, variants);
  }
}
