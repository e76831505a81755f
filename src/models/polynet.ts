import { relu } from '../graph/functions.ts';
import { plainHead } from '../nn/heads.ts';
import { inception, polynetStem, reduction } from '../nn/inception.ts';
import type { At, Scheme } from '../roles.ts';
import { poly, way } from '../schemes/poly.ts';
import { projected } from '../schemes/projected.ts';
import type { Architecture } from './variants.ts';

/** Sizes of a PolyNet. */
export interface PolyNetSpec {
  readonly net: 'polynet';
  readonly set: 'polynet';
  /** 2-way modules of stage A, and pairs of a poly-3 and a 2-way module of stages B and C. */
  readonly modules: readonly [a: number, b: number, c: number];
  /** Factor of all channels; default 1. */
  readonly factor?: number;
}

/**
 * Very Deep PolyNet: 2-way modules of Inception-ResNet-A, then poly-3 and 2-way modules in turn of B and C,
 * relu after each. Module i of M scales its functions by 1 - 0.3 i / (M - 1), in training too. Images of 331
 * x 331 pixels, at least 75 x 75.
 *
 * Deviation: convolutions start with He's law (the published training is not known here).
 *
 * @see Zhang, Li, Loy, Lin, "PolyNet", 2017; Cadene/pretrained-models.pytorch, polynet.py.
 */
export function polyNet({ modules: [a, b, c], factor = 1 }: PolyNetSpec): Architecture {
  const last = a + 2 * b + 2 * c - 1;
  // Six decimals as in the source; n counts the reductions before the module as steps too.
  const scale =
    (reductions: number) =>
    ({ n }: At): number =>
      Math.round(1e6 * (1 - (0.3 * (n - reductions)) / last)) / 1e6;
  const pairs = (first: number, reductions: number): Scheme => {
    const options = { scale: scale(reductions) };
    return inTurn(first, rectified(poly(3, options)), rectified(way(2, options)));
  };
  const width = { factor };
  return {
    stem: polynetStem(width),
    stages: [
      { width: 384 * factor, steps: a, stride: 1 },
      {
        width: 1152 * factor,
        steps: 1 + 2 * b,
        stride: 2,
        block: inception('B', width),
        scheme: pairs(a + 1, 1),
      },
      {
        width: 2048 * factor,
        steps: 1 + 2 * c,
        stride: 2,
        block: inception('C', width),
        scheme: pairs(a + 2 * b + 2, 2),
        transition: reduction('B', width),
      },
    ],
    block: inception('A', width),
    scheme: rectified(way(2, { scale: scale(0) })),
    transition: reduction('A', width),
    head: (classes) => plainHead(classes, { dropout: 0.2 }),
  };
}

/** relu after every step; what a stage starts with is rectified already. */
function rectified(scheme: Scheme): Scheme {
  return { ...projected(scheme, relu), enter: ([u]) => [u] };
}

/** Two one-state schemes in turn, from step `first` of the net. */
function inTurn(first: number, one: Scheme, other: Scheme): Scheme {
  return {
    name: `${one.name}, ${other.name}`,
    step: (state, field, at) => ((at.n - first) % 2 === 0 ? one : other).step(state, field, at),
  };
}
