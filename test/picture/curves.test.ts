import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createModel } from '../../src/createModel.ts';
import { imageSet } from '../../src/data/imageSet.ts';
import type { EvalRow, MetricsRow, StepRow } from '../../src/metricsRow.ts';
import { drawCurves } from '../../src/picture/curves.ts';
import { writeCurves } from '../../src/pictureFile.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';

const stepRow = (n: number, change: Partial<StepRow> = {}): StepRow => ({
  type: 'step',
  step: 10 * n,
  epoch: n / 20,
  loss: 2 * Math.exp(-n / 30) + 0.1 * Math.sin(n) ** 2,
  top1: 1 - Math.exp(-n / 20),
  lr: 0.1 * (1 - n / 101),
  imagesPerSecond: 1000,
  ...change,
});
const evalRow = (n: number, change: Partial<EvalRow> = {}): EvalRow => ({
  type: 'eval',
  step: 10 * n,
  epoch: n / 20,
  loss: 2 * Math.exp(-n / 25),
  top1: 1 - Math.exp(-n / 18),
  top5: 1,
  nonFinite: 0,
  ...change,
});
const many = (count: number, change: Partial<StepRow> = {}): StepRow[] =>
  Array.from({ length: count }, (_, i) => stepRow(i + 1, change));

const run: MetricsRow[] = [...many(100), evalRow(20), evalRow(100)];

describe('drawCurves', () => {
  it.each<[string, MetricsRow[]]>([
    ['a run', run],
    ['no rows', []],
    ['one row', [stepRow(1)]],
    ['one evaluation', [evalRow(1)]],
    ['constant values', many(50, { loss: 0.5, top1: 1, lr: 0.01 })],
    ['zeros', many(50, { loss: 0, top1: 0, lr: 0 })],
    ['NaN in the middle', many(50).map((row, i) => (i > 20 && i < 30 ? { ...row, loss: Number.NaN } : row))],
    [
      'nothing but NaN',
      many(9, { loss: Number.NaN, top1: Number.NaN, lr: Number.NaN, imagesPerSecond: Number.NaN }),
    ],
    ['an infinite loss', [...many(9), stepRow(10, { loss: Number.POSITIVE_INFINITY })]],
    ['a loss over many decades', many(50).map((row, i) => ({ ...row, loss: 10 ** (2 - i / 5) }))],
    ['negative and positive loss', many(9).map((row, i) => ({ ...row, loss: i - 4 }))],
    ['step 0', [evalRow(0)]],
    ['20 000 rows', many(20_000)],
  ])('draws %s as a picture that has numbers only', async (_, rows) => {
    const svg = drawCurves(rows);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg.length).toBeLessThan(1_500_000);
    expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({
      format: 'svg',
      width: 1100,
      height: 800,
    });
  });

  it('has title, axes, legend, and the best evaluation', () => {
    const svg = drawCurves(run, { title: 'A <b> & "c"', evaluated: 'validation' });
    for (const text of [
      'A &lt;b&gt; &amp; &quot;c&quot;',
      'cross entropy',
      'top-1',
      'learning rate',
      'step',
      'validation',
      '99.61 %',
    ])
      expect(svg).toContain(text);
  });

  describe('of a binary cross entropy', () => {
    /** Ticks of the axes of losses: the first of both panels. */
    const ticksOf = (svg: string, anchor: string): string[] =>
      [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"([^>]*)>(-?[\d.]+)</g)]
        .filter(([, , y, look]) => Number(y) < 430 && (look ?? '').includes('end') === (anchor === 'end'))
        .map(([, , , , number]) => number ?? '');
    const losses = [...many(100, { loss: 0.01 }), evalRow(20, { loss: 6.9 }), evalRow(100, { loss: 6.5 })];

    it('names both losses, and gives each an axis of its own', () => {
      const svg = drawCurves(losses, { loss: 'bce' });
      expect(svg).toContain('>train (binary cross entropy, nats)<');
      expect(svg).toContain('>test (cross entropy, nats)<');
      expect(Math.max(...ticksOf(svg, 'end').map(Number))).toBeLessThan(0.02);
      expect(Math.max(...ticksOf(svg, 'start').map(Number))).toBeGreaterThan(6);
    });

    it('needs one axis without evaluations', () => {
      const svg = drawCurves(many(100), { loss: 'bce' });
      expect(svg).toContain('>loss (binary cross entropy, nats)<');
      expect(svg.match(/\(cross entropy/)).toBeNull();
    });

    it('shares one axis where both are cross entropies', () => {
      const svg = drawCurves(losses);
      expect(svg).toContain('>loss (cross entropy, nats)<');
      expect(ticksOf(svg, 'start')).toEqual([]);
    });

    it('is drawn so for a run that minimises it', async () => {
      const run = join(await temporaryFolder(), 'run');
      await using model = await createModel('lm_resnet20', { input: [1, 8, 8], classes: 2, device: 'cpu' });
      const images = imageSet({
        images: noiseBytes(8 * 64, 1),
        labels: [0, 1, 0, 1, 0, 1, 0, 1],
        height: 8,
        width: 8,
        channels: 1,
      });
      const data = { train: images, test: images };
      await train(model, data, { run, steps: 2, batch: 4, loss: 'bce', lr: 0 });
      const rows = await readMetrics(join(run, 'metrics.jsonl'));
      const same = join(run, 'same.png');
      await writeCurves(same, rows, { title: 'lm_resnet20', evaluated: 'test', loss: 'bce' });
      expect(await readFile(join(run, 'curves.png'))).toEqual(await readFile(same));
    });
  });

  it('leaves out characters that XML forbids', () => {
    expect(drawCurves(run, { title: 'a\u0000\u0007\ud800b' })).toContain('>ab<');
  });

  it('does not depend on the order of the rows', () => {
    expect(drawCurves(run.toReversed())).toBe(drawCurves(run));
  });

  it('draws a curve with a gap in two pieces', () => {
    const rows = many(50).map((row, i) => (i === 25 ? { ...row, loss: Number.NaN } : row));
    const [loss = ''] = drawCurves(rows).match(/<path d="[^"]*"[^>]*stroke-opacity="0.28"/) ?? [];
    expect(loss.match(/M/g)).toHaveLength(2);
  });

  it.each<[string, object]>([
    ['an unknown option', { colour: 'red' }],
    ['a picture that is too small', { width: 100 }],
    ['a title that is not text', { title: 1 }],
  ])('refuses %s', async (_, options) => {
    expect(await codeOf(() => drawCurves(run, options))).toBe('ERR_CONFIG');
  });
});

describe('writeCurves', () => {
  it('writes a PNG of twice the size, and an SVG', async () => {
    const folder = await temporaryFolder();
    await writeCurves(join(folder, 'c.png'), run, { width: 800, height: 600 });
    expect(await sharp(join(folder, 'c.png')).metadata()).toMatchObject({
      format: 'png',
      width: 1600,
      height: 1200,
    });
    await writeCurves(join(folder, 'c.svg'), run);
    expect(await readFile(join(folder, 'c.svg'), 'utf8')).toBe(drawCurves(run));
  });

  it('refuses other endings and a folder that is not there', async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(writeCurves(join(folder, 'c.pdf'), run))).toBe('ERR_CONFIG');
    expect(await codeOf(writeCurves(join(folder, 'no', 'c.png'), run))).toBe('ERR_FILE');
    expect(await readdir(folder)).toEqual([]);
  });
});
