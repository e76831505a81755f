/** Options of built-in models, in every family where they make sense. */
import { describe, expect, it } from 'vitest';
import { network } from '../../src/models/network.ts';
import { preset, presetConfig, presetNames, presets } from '../../src/models/presets.ts';
import type { SchemeInput } from '../../src/models/schemeOption.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { tableaus } from '../../src/schemes/tableaus.ts';
import { cli } from '../support/cli.ts';
import { thrown } from '../support/errors.ts';

/** One small model of every family. */
const small = [
  'resnet20',
  'preact_resnet20',
  'lm_resnet20',
  'revnet38',
  'shake_shake26_2x32d',
  'polynet',
] as const;
const schemes: readonly SchemeInput[] = [
  'euler',
  'linearTwoStep',
  'leapfrog',
  'midpoint',
  'momentum',
  'adamsBashforth2',
  'threeStep',
  'poly',
  'mpoly',
  'way',
  ...(Object.keys(tableaus) as (keyof typeof tableaus)[]),
];

describe('drop-path', () => {
  it.each(small)('of %s rises over its steps from 0, for every image, as timm has it', (name) => {
    const { nodes, steps } = preset(name, { dropPath: 0.2 });
    const keeps = steps.map(({ n, N }) => 1 - (0.2 * n) / (N - 1));
    const drawn = nodes.filter(({ op, attrs }) => op === 'mix' && attrs.law === 'bernoulli');
    expect(drawn.length).toBeGreaterThan(0);
    for (const { attrs } of drawn) {
      expect(attrs).toMatchObject({ scale: 'train', per: 'sample' });
      expect(keeps.some((keep) => Math.abs(keep - Number(attrs.keep)) < 1e-12)).toBe(true);
    }
    expect(Math.min(...drawn.map(({ attrs }) => Number(attrs.keep)))).toBeCloseTo(0.8, 12);
  });

  it('takes the place of what a model has, and of none at 0', () => {
    expect(preset('lm_resnet56_sd', { dropPath: 0 }).nodes.some(({ op }) => op === 'mix')).toBe(false);
    const shaken = preset('shake_shake26_2x32d', { dropPath: 0.2 }).nodes.filter(({ op }) => op === 'mix');
    expect(new Set(shaken.map(({ attrs }) => attrs.law))).toEqual(new Set(['shake', 'bernoulli']));
    expect(preset('fractalnet20', { dropPath: 0.3 }).nodes).not.toEqual(preset('fractalnet20').nodes);
  });
});

describe('a scheme by its name', () => {
  it.each(schemes)('makes ResNets, pre-activation and LM nets: %s', (scheme) => {
    for (const name of ['resnet20', 'preact_resnet20', 'lm_resnet20', 'lm_resnext29_8x64d'] as const) {
      const { steps } = preset(name, { scheme });
      expect(steps.find(({ transition }) => !transition)?.scheme).toContain(scheme as string);
    }
  });

  it('has options of its own, and is then what the function makes', () => {
    const scheme = { kind: 'linearTwoStep', per: 'channel', bounded: 'tanh' } as const;
    const config = {
      ...presetConfig('lm_resnet20'),
      scheme: linearTwoStep({ per: 'channel', bounded: 'tanh' }),
    };
    expect(preset('lm_resnet20', { scheme }).toSpec()).toEqual(network(config).toSpec());
    const euler = preset('lm_resnet20', { scheme: 'euler' });
    expect({ ...euler.toSpec(), name: '' }).toEqual({ ...preset('preact_resnet20').toSpec(), name: '' });
  });

  it('and a k for every channel are refused together, and where they make no sense', () => {
    const wrong = [
      () => preset('lm_resnet20', { scheme: 'euler', k: 'official' }),
      () => preset('lm_resnet20', { scheme: 'momentum', history: 'project' }),
      () => preset('revnet38', { scheme: 'euler' }),
      () => preset('resnet20', { k: 'per-channel' }),
      () => preset('resnet20', { scheme: { kind: 'momentum', gamma: 2 } }),
      () => preset('resnet20', { scheme: { kind: 'euler', gamma: 1 } as never }),
      () => preset('resnet20', { dropPath: 1 }),
    ];
    for (const call of wrong) expect(thrown(call).code, String(call)).toBe('ERR_CONFIG');
    expect(thrown(() => preset('resnet20', { scheme: 'leapfrogs' as never })).text).toContain('"leapfrog"');
  });
});

describe('k for every channel', () => {
  it('has as many numbers as the state has channels', () => {
    const { params } = preset('lm_resnet20', { k: 'per-channel' });
    expect(params.find(({ path }) => path === 'stage2.step1.k')?.shape).toEqual([32, 1, 1]);
  });
});

describe('options of models on the command line', () => {
  it('are those of presets', async () => {
    const parameters = async (...flags: string[]): Promise<number> =>
      JSON.parse((await cli(['info', 'lm_resnet20', '--json', ...flags])).stdout).parameters;
    const published = await parameters();
    expect(await parameters('--drop-path', '0.2')).toBe(published);
    expect(await parameters('--k', 'per-channel')).toBe(published + 2 * (15 + 31 + 63));
    expect(await parameters('--scheme', 'euler')).toBe(published - 6);
    expect(await parameters('--scheme', '{"kind":"linearTwoStep","per":"channel"}')).toBe(published + 218);
    expect((await cli(['info', 'revnet38', '--k', 'official'])).code).toBe(2);
    const wrong = await cli(['train', '--data', 'mnist:none', '--from', 'x', '--drop-path', '0.1']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('train.dropPath')]);
  });
});

it('every model is made with all options of its family', () => {
  for (const name of presetNames.filter((one) => presets[one].set !== 'imagenet' && !one.includes('1202')))
    expect(preset(name, { dropPath: 0.1 }).name).toBe(name);
});
