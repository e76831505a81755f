import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { follow } from '../../src/cli/follow.ts';
import type { StepEvent, TrainEvent } from '../../src/run/events.ts';
import { screen } from '../support/screen.ts';

/** `count` steps of 8 images, at 16 images a second, that end with `step`. */
function steps(step: number, count: number): StepEvent {
  const losses = Array.from({ length: count }, () => 1);
  const sums = { samples: 8 * count, imagesPerSecond: 16, loss: 1, losses, top1: 0, lr: 0.1 };
  return { type: 'step', step, totalSteps: 2000, epoch: step / 100, ...sums };
}

/** What the screen shows of a training whose events come as they would: each after its seconds. */
async function shown(isTTY: boolean, events: readonly (readonly [number, TrainEvent])[]): Promise<string> {
  const { progress, text, wait } = screen(isTTY, { intervalMs: 0 });
  async function* run(): AsyncGenerator<TrainEvent> {
    for (const [seconds, event] of events) {
      wait(1000 * seconds);
      yield event;
    }
  }
  await follow(run(), progress, () => undefined);
  return text();
}

describe('following a training', () => {
  const resume: TrainEvent = { type: 'resume', step: 1000, path: 'runs/a/checkpoint.safetensors' };
  const chunks = [
    [0.5, steps(1001, 1)],
    [1.5, steps(1004, 3)],
    [3, steps(1010, 6)],
  ] as const;

  it.each([true, false])(
    'tells the time left after a resume by its own steps (terminal: %s)',
    async (tty) => {
      const text = await shown(tty, [[9, resume], ...chunks]);
      expect(text).toContain('going on after step 1000 (runs/a/checkpoint.safetensors)');
      expect(text).toContain('step 1010/2000');
      expect(text.match(/ETA [\d:]+/g)?.at(-1)).toBe('ETA 8:15'); // 990 steps of half a second
    },
  );

  it('tells it once there were five seconds of steps', async () => {
    expect(await shown(false, [[9, resume], chunks[0], chunks[1]])).not.toMatch(/ETA \d/);
    expect(await shown(false, [[9, steps(10, 10)]])).toContain('ETA 16:35'); // 1990 steps
  });

  it('tells what it will take at the same time, and once', async () => {
    const told: number[] = [];
    const { progress } = screen(false, { intervalMs: 0 });
    const events = [steps(1, 1), steps(4, 3), steps(10, 6), steps(30, 20)];
    await follow(Readable.from(events), progress, ({ step }) => told.push(step));
    expect(told).toEqual([10]);
  });
});
