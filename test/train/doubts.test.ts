/** Settings that cannot work in a run of some length are told of before it. */
import { describe, expect, it } from 'vitest';
import { doubtsOf } from '../../src/train/doubts.ts';
import { trainSchema } from '../../src/train/options.ts';
import { cosine, multistep, stepDecay } from '../../src/train/schedules.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { noise, tinyModel } from '../support/training.ts';

const doubts = (settings: TrainSettingsInput, totalSteps: number): string[] =>
  doubtsOf(trainSchema.parse(settings), { stepsPerEpoch: 100, totalSteps });

describe('doubts of a training', () => {
  it.each<[TrainSettingsInput, number, string]>([
    [{ schedule: cosine({ warmupEpochs: 5 }) }, 500, 'the warm-up of 500 steps'],
    [{ schedule: { kind: 'constant', warmupSteps: 600 } }, 500, 'the warm-up of 600 steps'],
    [{ modelEma: true }, 500, 'keeps 90 % of the initial weights'], // 0.9998^500 = 0.9048
    [{ modelEma: true }, 500, 'lower modelEmaDecay to 0.9954'], // 0.1^(1/500) = 0.99540
    [
      { schedule: multistep({ milestones: [80, 120] }) },
      8000,
      'first lowered after epoch 80, and the run has 80',
    ],
    [{ schedule: stepDecay() }, 250, 'first lowered after epoch 30, and the run has 2.5'],
    [{ earlyStopPatience: 5 }, 500, 'a patience of 5 epochs'],
  ])('are of %o in %i steps', (settings, steps, text) => {
    expect(doubts(settings, steps)).toEqual([expect.stringContaining(text)]);
  });

  it.each<[TrainSettingsInput, number]>([
    [{}, 500],
    [{ schedule: cosine({ warmupEpochs: 4.9 }) }, 500],
    [{ modelEmaDecay: 0.9998 }, 500],
    [{ modelEma: true, modelEmaWarmup: true }, 500],
    [{ modelEma: true }, 11_512], // 0.9998^11512 = 0.09999
    [{ modelEma: true, modelEmaDecay: 0.9954 }, 500],
    [{ schedule: multistep({ milestones: [80, 120] }) }, 8001],
    [{ earlyStopPatience: 4 }, 500],
    [{ modelEma: true }, 1],
  ])('there are none of %o in %i steps', (settings, steps) => {
    expect(doubts(settings, steps)).toEqual([]);
  });

  it('come as notes before the first step', async () => {
    const run = train(await tinyModel(), { train: noise(32) }, { batch: 8, modelEma: true });
    const types: string[] = [];
    for await (const event of run) types.push(event.type === 'note' ? event.text.slice(0, 11) : event.type);
    expect(types[0]).toBe('the average');
    expect(types.filter((type) => type === 'the average')).toHaveLength(1);
  });
});
