import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepColumns } from '../../src/native/binding.ts';
import { trainSchema } from '../../src/train/options.ts';
import { cosine, multistep, oneCycle } from '../../src/train/schedules.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { type StepScalars, stepScalars, stepTable } from '../../src/train/stepTable.ts';

const span = { stepsPerEpoch: 10, totalSteps: 100 };
const at = (settings: TrainSettingsInput, step: number): StepScalars =>
  stepScalars(trainSchema.parse(settings), span, step);

describe('the table of a chunk', () => {
  it('has rows that do not depend on how a run is cut into pieces', () => {
    const steps = fc.record({ first: fc.nat(99), count: fc.nat(40) });
    const kinds = fc.constantFrom(
      oneCycle({ momentum: [0.85, 0.95] }),
      cosine(),
      multistep({ milestones: [2] }),
    );
    fc.assert(
      fc.property(kinds, steps, (schedule, { first, count }) => {
        const settings = trainSchema.parse({ schedule, mixup: 1, mixupOffEpoch: 5 });
        const whole = stepTable(settings, span, { first: 0, count: 140 });
        const piece = stepTable(settings, span, { first, count });
        for (const name of stepColumns)
          expect(piece[name], name).toEqual(whole[name].slice(first, first + count));
      }),
    );
  });

  it('has a column for each value of a step', () => {
    const settings = trainSchema.parse({ weightDecay: 5e-4 });
    const table = stepTable(settings, span, { first: 3, count: 2 });
    const rows = [3, 4].map((step) => stepScalars(settings, span, step));
    expect(Object.keys(table)).toEqual([...stepColumns]);
    for (const name of stepColumns)
      expect(Array.from(table[name]), name).toEqual(rows.map((row) => row[name]));
    expect(Array.from(table.weightDecay)).toEqual([5e-4, 5e-4]);
  });

  it('has the decay of the first moment as the momentum of AdamW and LAMB', () => {
    const settings = { schedule: cosine(), momentum: 0.5, betas: [0.8, 0.99] } as const;
    const momenta = (['sgd', 'lars', 'adamw', 'lamb'] as const).map(
      (optimizer) => at({ ...settings, optimizer }, 0).momentum,
    );
    expect(momenta).toEqual([0.5, 0.5, 0.8, 0.8]);
  });

  it('has what the average keeps of itself, which a warm-up limits at first', () => {
    const decays = (modelEmaWarmup: boolean): number[] =>
      [0, 1, 7, 1e6].map((step) => at({ modelEmaDecay: 0.9, modelEmaWarmup }, step).emaDecay);
    expect(decays(false)).toEqual([0.9, 0.9, 0.9, 0.9]);
    const [first, second, eighth, late] = decays(true);
    expect([first, late]).toEqual([0, 0.9]);
    expect(second).toBeCloseTo(1 - 2 ** (-2 / 3), 12);
    expect(eighth).toBeCloseTo(0.75, 12);
  });

  it.each([
    [{ lrBase: 0.1, batch: 512 }, 0.2],
    [{ lrBase: 0.1, batch: 128, accumulate: 4 }, 0.2],
    [{ lrBase: 0.1, batch: 1024, lrBaseSize: 4096 }, 0.025],
    [{ lrBase: 0.1, batch: 1024, optimizer: 'adamw' }, 0.2],
    [{ lrBase: 0.1, batch: 1024, optimizer: 'lamb', lrBaseScale: 'linear' }, 0.4],
    [{ lrBase: 0.1, batch: 1024, optimizer: 'lars', lrBaseScale: 'sqrt' }, 0.2],
    [{ lr: 0.3, batch: 1024 }, 0.3],
  ] as const)('has the rate that follows from the images in a step: %o', (settings, rate) => {
    expect(at({ ...settings, schedule: { kind: 'constant' } }, 5).lr).toBeCloseTo(rate, 14);
  });

  it('mixes with the given probability until the epoch from which it is off, and always where there is none', () => {
    const settings = { mixup: 1, mixupProb: 0.7 };
    expect([0, 99, 500].map((step) => at(settings, step).mixProb)).toEqual([0.7, 0.7, 0.7]);
    const ending = { ...settings, mixupOffEpoch: 2 };
    expect([0, 19, 20, 99].map((step) => at(ending, step).mixProb)).toEqual([0.7, 0.7, 0, 0]);
  });
});
