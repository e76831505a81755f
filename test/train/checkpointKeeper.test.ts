/** Which evaluations of a run are its best, and what its checkpoints say of them. */
import { describe, expect, it } from 'vitest';
import { bestFirst } from '../../src/metricsRow.ts';
import type { RunFiles } from '../../src/run/runFiles.ts';
import { parseRunState, type RunState } from '../../src/run/runState.ts';
import { CheckpointKeeper } from '../../src/train/checkpointKeeper.ts';
import { trainSchema } from '../../src/train/options.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const mark = { count: 8, classNames: ['a', 'b'], size: null, transform: null, digest: '' };

/** What the last checkpoint says, read back, after evaluations of such a loss and top-1. */
async function saved(evaluations: readonly (readonly [loss: number, top1: number])[]): Promise<RunState> {
  const said: RunState[] = [];
  const files = {
    checkpoint: null,
    save: async (state: RunState) => {
      said.push(state);
      return async () => {};
    },
  } as unknown as RunFiles;
  const settings = trainSchema.parse({ keepBest: 9 });
  const constant = { totalSteps: 9, threads: 1, worldSize: 1, data: mark, test: mark, settings };
  const keeper = new CheckpointKeeper(files, constant, 1);
  for (const [i, [loss, top1]] of evaluations.entries()) {
    const scores = { loss, top1, top5: top1, count: 8, nonFinite: Number.isFinite(loss) ? 0 : 1 };
    keeper.evaluated(i + 1, { ...scores, bad: [], notes: [] });
  }
  await keeper.save({ step: evaluations.length, lossScale: null }, async () => {});
  const written: Record<string, unknown> = JSON.parse(JSON.stringify(said.at(-1)));
  return parseRunState('a.safetensors', written, trainSchema);
}

describe('the best evaluations of a run', () => {
  it.each([
    {
      title: 'the highest top-1',
      evaluations: [
        [1, 0.2],
        [2, 0.4],
        [0.5, 0.3],
      ],
      best: [2, 3, 1],
    },
    {
      title: 'of two equal ones the earlier',
      evaluations: [
        [2, 0.4],
        [1, 0.4],
      ],
      best: [1, 2],
    },
    {
      title: 'a finite one before a loss that is NaN',
      evaluations: [
        [nan, 0.9],
        [2, 0.1],
      ],
      best: [2, 1],
    },
    {
      title: 'or infinite',
      evaluations: [
        [infinity, 0.9],
        [-infinity, 0.8],
        [2, 0],
      ],
      best: [3, 1, 2],
    },
    {
      title: 'or a top-1 that is NaN',
      evaluations: [
        [1, nan],
        [2, 0],
        [1, 0.1],
      ],
      best: [3, 2, 1],
    },
    {
      title: 'of those with a NaN the highest top-1',
      evaluations: [
        [nan, nan],
        [nan, 0.1],
      ],
      best: [2, 1],
    },
  ] as const)('are, read back from its checkpoint, $title', async ({ evaluations, best }) => {
    const state = await saved(evaluations);
    expect(state.best.map(({ step }) => step)).toEqual(best);
    const numbers = ([loss, top1]: readonly [number, number]): object => ({
      loss: Number.isFinite(loss) ? loss : nan,
      top1: Number.isFinite(top1) ? top1 : nan,
    });
    expect(state.best).toMatchObject(best.map((step) => numbers(evaluations[step - 1] ?? [0, 0])));
    expect(state.evaluation).toMatchObject(numbers(evaluations.at(-1) ?? [0, 0]));
  });

  it('are in one order wherever the first is NaN: no order depends on where one stood', () => {
    const rows = [nan, 0.3, nan, 0.5, 0.1].map((top1) => ({ loss: 1, top1 }));
    const turned = rows.map((_, i) => [...rows.slice(i), ...rows.slice(0, i)]);
    for (const some of turned)
      expect(some.toSorted(bestFirst).map(({ top1 }) => top1)).toEqual([0.5, 0.3, 0.1, nan, nan]);
  });
});
