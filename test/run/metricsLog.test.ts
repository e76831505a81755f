import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricsRow } from '../../src/metricsRow.ts';
import { openMetrics, readMetrics, truncateMetrics } from '../../src/run/metricsLog.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

const step = (n: number, loss = 1 / n): MetricsRow => ({
  type: 'step',
  step: n,
  epoch: n / 10,
  loss,
  top1: 0.5,
  lr: 0.1,
  imagesPerSecond: 900,
});
const scores = { loss: 0.4, top1: 0.9, top5: 0.99, nonFinite: 1 };
const evaluation: MetricsRow = { type: 'eval', step: 10, epoch: 1, ...scores };

async function write(path: string, rows: readonly MetricsRow[]): Promise<void> {
  const log = await openMetrics(path);
  for (const row of rows) await log.write(row);
  await log.close();
}

describe('the log of a run', () => {
  it('reads back what was written, one line per row', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    await write(path, [step(1), step(2), evaluation]);
    expect(await readMetrics(path)).toEqual([step(1), step(2), evaluation]);
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(4);
  });

  it('keeps coefficients, one or one per channel, by path', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    const values = { 'stage1.step1.k': [-0.25], 'stage1.step2.k': [0.1, Number.NaN] };
    const row: MetricsRow = { type: 'coefficients', step: 0, epoch: 0, values };
    await write(path, [row, step(1)]);
    expect(await readMetrics(path)).toEqual([row, step(1)]);
  });

  it('is appended to when a run is resumed', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    await write(path, [step(1)]);
    await write(path, [step(2)]);
    expect(await readMetrics(path)).toEqual([step(1), step(2)]);
  });

  it('keeps the order of calls that nobody waited for', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    const log = await openMetrics(path);
    const rows = Array.from({ length: 100 }, (_, i) => step(i + 1));
    void Promise.all(rows.map((row) => log.write(row)));
    await log.close();
    expect(await readMetrics(path)).toEqual(rows);
  });

  it('keeps NaN and infinity as NaN', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    await write(path, [step(1, Number.NaN), step(2, Number.POSITIVE_INFINITY)]);
    expect(await readMetrics(path)).toMatchObject([{ loss: Number.NaN }, { loss: Number.NaN }]);
  });

  it('loses at most its last line, wherever the writer was killed', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    await write(path, [step(1), step(2), evaluation]);
    const whole = await readFile(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (length) => {
        await writeFile(path, whole.subarray(0, length));
        const lines = whole.subarray(0, length).toString().split('\n').length - 1;
        expect(await readMetrics(path)).toEqual([step(1), step(2), evaluation].slice(0, lines));
        await write(path, [step(9)]);
        expect((await readMetrics(path)).at(-1)).toEqual(step(9));
        expect(await readMetrics(path)).toHaveLength(lines + 1);
      }),
      { numRuns: 30 },
    );
  });

  it('removes a torn line that is longer than a block', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    await write(path, [step(1)]);
    await appendFile(path, 'x'.repeat(10_000));
    await write(path, [step(2)]);
    expect(await readMetrics(path)).toEqual([step(1), step(2)]);
  });

  it('ignores rows of a later version, and refuses a damaged line by its number', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    await write(path, [step(1)]);
    await appendFile(path, '{"type":"layers","x":1}\n\n');
    expect(await readMetrics(path)).toEqual([step(1)]);
    for (const line of [
      '{"type":"ste',
      '[]',
      '{"type":"eval"}',
      '{"type":"step","step":"1"}',
      '{"type":"coefficients"}',
    ]) {
      await appendFile(path, `${line}\n`);
      const read = readMetrics(path);
      await expect(read).rejects.toMatchObject({
        code: 'ERR_CHECKPOINT',
        message: expect.stringContaining(':4'),
      });
      await writeFile(path, (await readFile(path, 'utf8')).replace(`${line}\n`, ''));
    }
  });

  it('refuses to write when closed, and closes twice in peace', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    const log = await openMetrics(path);
    await log.close();
    await log.close();
    expect(await codeOf(log.write(evaluation))).toBe('ERR_CLOSED');
  });

  it('says that the disk is full', async () => {
    const log = await openMetrics('/dev/full');
    for (let i = 0; i < 2; i++)
      await expect(log.write(evaluation)).rejects.toMatchObject({
        code: 'ERR_FILE',
        hint: expect.stringContaining('full'),
      });
    expect(await codeOf(log.close())).toBe('ERR_FILE');
  });

  it.each([
    { title: 'that was evaluated', evaluated: true, rows: 4 },
    { title: 'whose evaluation is yet to come', evaluated: false, rows: 2 },
  ])('is cut behind the step that a run goes on from, $title', async ({ evaluated, rows }) => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    const learned: MetricsRow = { type: 'coefficients', step: 10, epoch: 1, values: {} };
    const all = [step(9), step(10), learned, evaluation, step(11)];
    await write(path, all);
    await truncateMetrics(path, 10, evaluated);
    expect(await readMetrics(path)).toEqual(all.slice(0, rows));
  });

  it('keeps the coefficients of the start, whatever is evaluated', async () => {
    const path = join(await temporaryFolder(), 'metrics.jsonl');
    const learned: MetricsRow = { type: 'coefficients', step: 0, epoch: 0, values: {} };
    await write(path, [learned, step(1)]);
    await truncateMetrics(path, 0, false);
    expect(await readMetrics(path)).toEqual([learned]);
  });

  it('is refused where it cannot be', async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(openMetrics(join(folder, 'no', 'x')))).toBe('ERR_FILE');
    expect(await codeOf(openMetrics(folder))).toBe('ERR_FILE');
    expect(await codeOf(readMetrics(join(folder, 'none')))).toBe('ERR_FILE');
  });
});
