/**
 * The networks that golden files are about, by the names they have there: thin twins of presets, and changed
 * ones.
 */
import { concat, maxPool2d, relu } from '../../src/graph/functions.ts';
import type { NetworkConfig } from '../../src/models/network.ts';
import { basicConvs, convBnRelu, postact, preactBasic } from '../../src/nn/blocks.ts';
import { type Head, plainHead } from '../../src/nn/heads.ts';
import { plainProjection } from '../../src/nn/shortcuts.ts';
import { cifarStem, imagenetStem } from '../../src/nn/stems.ts';
import { ownNormShortcut, projectedHistory } from '../../src/nn/transitions.ts';
import type { Fn, Scheme, Transition } from '../../src/roles.ts';
import { adamsBashforth2 } from '../../src/schemes/adamsBashforth2.ts';
import { euler } from '../../src/schemes/euler.ts';
import { fractalTransition } from '../../src/schemes/fractal.ts';
import { leapfrog } from '../../src/schemes/leapfrog.ts';
import { type LinearTwoStepOptions, linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { midpoint } from '../../src/schemes/midpoint.ts';
import { momentum } from '../../src/schemes/momentum.ts';
import { mpoly, poly, way } from '../../src/schemes/poly.ts';
import { projected } from '../../src/schemes/projected.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { rungeKutta } from '../../src/schemes/rungeKutta.ts';
import { threeStep } from '../../src/schemes/threeStep.ts';
import { thinNet, thinNets } from '../support/graphs/thinNets.ts';

/** A pre-activation ImageNet net whose first function has a norm. */
const everyNorm = (name: 'preact_resnet18' | 'preact_resnet50'): NetworkConfig => ({
  ...thinNet(name),
  firstBlock: undefined,
});

const plainStem = (name: Parameters<typeof everyNorm>[0]): NetworkConfig => ({
  ...everyNorm(name),
  stem: imagenetStem(4, { norm: false, relu: false }),
});

/** A net whose first stage starts with a plain step where nothing changes. */
function plainStart({ stages, ...config }: NetworkConfig): NetworkConfig {
  const [first, ...others] = stages.map(({ transition, ...stage }) => stage);
  return { ...config, stages: first === undefined ? others : [first, ...others] };
}

const lm = (options: LinearTwoStepOptions): NetworkConfig => ({
  ...thinNet('lm_resnet20'),
  scheme: linearTwoStep(options),
});

const changed: Readonly<Record<string, NetworkConfig>> = {
  'preact_resnet18, the stem without norm': plainStem('preact_resnet18'),
  'preact_resnet50, the stem without norm': plainStem('preact_resnet50'),
  'preact_resnet18, every f with its norm': everyNorm('preact_resnet18'),
  'preact_resnet50, every f with its norm': everyNorm('preact_resnet50'),
  'preact_resnet164 shortcut=B': thinNet('preact_resnet164', { shortcut: 'B' }),
  'preact_resnet20 shortcut=B, the first shortcut plain': plainStart(
    thinNet('preact_resnet20', { shortcut: 'B' }),
  ),
  'shake_shake26_2x32d, relu after every step': {
    ...thinNet('shake_shake26_2x32d'),
    stem: cifarStem(16, { norm: true, relu: true }),
    block: postact(basicConvs),
    scheme: projected(euler, relu),
    head: (classes) => plainHead(classes),
  },
  'lm_resnet20, k per channel': lm({ per: 'channel' }),
  'lm_resnet20, k bounded': lm({ bounded: 'tanh' }),
  'lm_resnet20, consistent': lm({ scaling: 'consistent' }),
};

/** Without dropout of elements, whose draws have no twin in Python. */
function withoutDropout(name: 'fractalnet20' | 'polynet'): NetworkConfig {
  const config = thinNet(name);
  const stages = name === 'polynet' ? config.stages : config.stages.map(({ block, ...stage }) => stage);
  const head = name === 'polynet' ? (classes: number): Head => plainHead(classes) : config.head;
  return { ...config, stages, head } as NetworkConfig;
}

/**
 * FractalNet whose joins are means; `last` is applied to every column before the last of them, else a
 * max-pool follows the block.
 */
function meanJoins(name: 'fractalnet20' | 'fractalnet40', affine: boolean, last?: Fn): NetworkConfig {
  const columns = name === 'fractalnet20' ? 3 : 4;
  const pool: Fn = (u) => maxPool2d(u, { kernel: 2 });
  const block = fractalTransition({ columns, ...(last && { last }) });
  const pooled: Transition = (state, field, io, at) => {
    const [u] = block(state, field, { ...io, stride: 1 }, at);
    return [at.s.at('pool').within(() => pool(u))];
  };
  const config = { ...thinNet(name, { affine }), transition: last === undefined ? pooled : block };
  const unit = convBnRelu(affine ? {} : { bias: true, norm: { affine: false } });
  return { ...config, stages: config.stages.map((stage) => ({ ...stage, block: unit })) };
}

const fractals: Readonly<Record<string, NetworkConfig>> = {
  'fractalnet20 affine=true, mean joins before the pool': meanJoins('fractalnet20', true),
  'fractalnet40 affine=true, mean joins before the pool': meanJoins('fractalnet40', true),
  'fractalnet20, mean joins': meanJoins('fractalnet20', false, (u) => maxPool2d(u, { kernel: 2 })),
  'fractalnet20 without dropout': withoutDropout('fractalnet20'),
};

/** Three steps, a transition and two steps, 4 and 8 channels, see scripts/reference/schemes.py. */
const integrated = (scheme: Scheme): NetworkConfig => ({
  ...thinNet('preact_resnet20'),
  name: scheme.name,
  stem: cifarStem(4),
  stages: [
    { width: 4, steps: 3, stride: 1 },
    { width: 8, steps: 3, stride: 2 },
  ],
  block: preactBasic,
  scheme,
  transition: ownNormShortcut,
});

/** From channel halves to a new stage of whole maps, as a plain net does it. */
const joined: Transition = (state, field, io, at) => {
  const u = at.s.at('joined').within(() => concat(...state));
  const [next] = ownNormShortcut([u], field, io, at);
  return [next];
};

const integrators: Readonly<Record<string, NetworkConfig>> = {
  euler: integrated(euler),
  momentum: integrated(momentum()),
  'midpoint of one f, torchdiffeq': integrated(rungeKutta('rk2', { share: true })),
  'heun of one f': integrated(rungeKutta('heun', { share: true })),
  'heun3 of one f': integrated(rungeKutta('heun3', { share: true })),
  'rk38 of one f': integrated(rungeKutta('rk38', { share: true })),
  heun: integrated(rungeKutta('heun')),
  rk4: integrated(rungeKutta('rk4')),
  adamsBashforth2: integrated(adamsBashforth2),
  leapfrog: integrated(leapfrog),
  midpoint: integrated(midpoint),
  threeStep: integrated(threeStep()),
  'poly-3': integrated(poly(3)),
  'mpoly-2': integrated(mpoly(2)),
  '3-way': integrated(way(3)),
  zerosnet: {
    ...thinNet('preact_resnet20'),
    stages: [4, 8, 16].map((width, i) => ({ width, steps: 3, stride: i === 0 ? 1 : 2 })),
    scheme: threeStep(),
    transition: projectedHistory(threeStep(), { shortcut: plainProjection, older: plainProjection }),
  },
  reversible: { ...integrated(reversible), transition: joined },
};

export const networks: Readonly<Record<string, NetworkConfig>> = {
  ...thinNets,
  ...changed,
  ...fractals,
  ...integrators,
  'polynet without dropout': withoutDropout('polynet'),
};
