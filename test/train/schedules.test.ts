import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isLmError } from '../../src/errors.ts';
import { ratesAt, type ScheduledRun } from '../../src/train/rates.ts';
import {
  constant,
  cosine,
  linearDecay,
  multistep,
  oneCycle,
  polyDecay,
  type Schedule,
  type ScheduleInput,
  scheduleSchema,
  stepDecay,
} from '../../src/train/schedules.ts';

interface Golden {
  readonly cases: readonly {
    readonly schedule: ScheduleInput;
    readonly run: ScheduledRun;
    readonly rows: readonly (readonly [number, number])[];
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../golden/training/schedules.json', import.meta.url), 'utf8'),
);
const run: ScheduledRun = { stepsPerEpoch: 10, totalSteps: 100, lr: 0.1, momentum: 0.9 };

function code(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return isLmError(error) ? error.code : String(error);
  }
  return 'none';
}

describe.each(golden.cases)(
  'PyTorch, timm: $schedule over $run.totalSteps steps',
  ({ schedule, run, rows }) => {
    it('gives the same rate and momentum at every step', () => {
      const parsed = scheduleSchema.parse(schedule);
      for (const [step, [lr, momentum]] of rows.entries()) {
        const rates = ratesAt(parsed, step, run);
        // PyTorch computes some of its schedules by recursion: its own rounding is of the order of the peak's
        // last digits.
        expect(Math.abs(rates.lr - lr)).toBeLessThanOrEqual(1e-12 * lr + 4e-16 * run.lr);
        expect(Math.abs(rates.momentum - momentum)).toBeLessThanOrEqual(1e-12 * momentum);
      }
    });
  },
);

describe('schedules', () => {
  it('fills in the published defaults of the one-cycle schedule', () => {
    expect(oneCycle()).toEqual({
      kind: 'oneCycle',
      pctStart: 0.3,
      divFactor: 25,
      finalDivFactor: 1e4,
      anneal: 'cos',
      momentum: null,
    });
  });

  it('starts the one-cycle at lr / 25, peaks at lr and ends at lr / 250 000', () => {
    const { first, peak, last } = { first: 0, peak: 29, last: 99 };
    expect(ratesAt(oneCycle(), first, run).lr).toBeCloseTo(0.1 / 25, 15);
    expect(ratesAt(oneCycle(), peak, run).lr).toBeCloseTo(0.1, 15);
    expect(ratesAt(oneCycle(), last, run).lr).toBeCloseTo(0.1 / 25e4, 15);
  });

  it('drops at the first step of a milestone epoch', () => {
    const schedule = multistep({ milestones: [3], factor: 0.5 });
    expect([29, 30].map((step) => ratesAt(schedule, step, run).lr)).toEqual([0.1, 0.05]);
  });

  it('warms up in equal steps and reaches the full rate right after', () => {
    const schedule = constant({ warmupSteps: 3 });
    const rates = [0, 1, 2, 3, 4].map((step) => ratesAt(schedule, step, run).lr / run.lr);
    expect(rates.map((x) => Math.round(x * 100))).toEqual([25, 50, 75, 100, 100]);
  });

  it('warms up for a part of an epoch, from the rate that it is given', () => {
    const schedule = constant({ warmupEpochs: 0.4, warmupLr: 0.02 });
    const rates = [0, 1, 2, 3, 4, 5].map((step) => ratesAt(schedule, step, run).lr);
    expect(rates.map((x) => Math.round(x * 1000))).toEqual([20, 40, 60, 80, 100, 100]);
  });

  it.each<[string, Schedule, number]>([
    ['linear that is all warm-up', linearDecay({ warmupEpochs: 1 }), 4],
    ['poly', polyDecay(), 1],
    ['step shorter than one step', stepDecay({ decayEpochs: 0.01 }), 3],
    ['oneCycle', oneCycle(), 1],
    ['oneCycle whose rise is one step', oneCycle({ pctStart: 0.5 }), 2],
    ['oneCycle without a rise', oneCycle({ pctStart: 0 }), 3],
    ['cosine', cosine(), 1],
    ['cosine that is all warm-up', cosine({ warmupSteps: 9 }), 4],
  ])('stays finite in a short run: %s', (_, schedule, totalSteps) => {
    for (let step = 0; step < totalSteps + 2; step++) {
      const { lr, momentum } = ratesAt(schedule, step, { ...run, totalSteps });
      expect([lr, momentum].every(Number.isFinite)).toBe(true);
    }
  });
});

describe('a wrong schedule', () => {
  it.each<[string, () => unknown]>([
    ['an unknown option', () => oneCycle({ pct: 0.3 } as object)],
    ['a peak behind the end', () => oneCycle({ pctStart: 1 })],
    ['momentum of one', () => oneCycle({ momentum: [0.9, 1] })],
    ['milestones that do not ascend', () => multistep({ milestones: [5, 5] })],
    ['a warm-up of steps and of epochs', () => linearDecay({ warmupSteps: 5, warmupEpochs: 1 })],
    ['a step of no epochs', () => stepDecay({ decayEpochs: 0 })],
    ['a power of 0', () => polyDecay({ power: 0 })],
    ['a negative first rate', () => cosine({ warmupSteps: 5, warmupLr: -1 })],
    ['a warm-up of half a step', () => cosine({ warmupSteps: 0.5 })],
  ])('is refused: %s', (_, make) => {
    expect(code(make)).toBe('ERR_CONFIG');
  });
});
