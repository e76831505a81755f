import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { MetricsRow } from '../../../src/metricsRow.ts';
import { mistakes } from '../../../src/report/run/confusionFigure.ts';
import { script } from '../../../src/report/run/script.ts';
import { full, type Job, pageOf } from '../../support/reportPage.ts';
import { rows, stepRow } from '../../support/runs.ts';

interface Data {
  readonly charts: readonly {
    readonly curves: readonly { readonly run: number; readonly label: string; readonly points: unknown }[];
  }[];
  readonly heats: readonly { readonly cells: unknown }[];
}

const dataOf = (page: string): Data =>
  JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/.exec(page)?.[1] ?? '');

const pictures = (page: string): string[] => page.match(/<svg xmlns[\s\S]*?<\/svg>/g) ?? [];
describe('reportPage', () => {
  const cases: [string, Readonly<Record<string, Job>>][] = [
    ['one run', { a: {} }],
    [
      'runs with everything',
      { a: { ...full, settings: { lr: 0.1 } }, b: { ...full, settings: { lr: 0.2 } } },
    ],
    ['one row', { a: { log: [stepRow(1)] } }],
    ['losses that are not finite', { a: { log: [1, 2, 3].map((n) => stepRow(n, Number.NaN)) } }],
    ['evaluations alone', { a: { log: rows.filter(({ type }) => type === 'eval') } }],
    ['twelve runs', Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`run${i}`, {}]))],
  ];
  it.each(cases)('is complete and needs nothing else for %s', async (_, jobs) => {
    const page = await pageOf(jobs);
    expect(page).toMatch(/^<!DOCTYPE html>/);
    const own = page
      .replaceAll('http://www.w3.org/2000/svg', '')
      .replaceAll(/clip-path="url\(#plot-\d+\)"/g, '');
    expect(own).not.toMatch(/https?:|src="|href=|@import|url\(|fetch\(|import\(/);
    expect(page.replaceAll(script, '')).not.toMatch(/NaN|undefined|Infinity|\[object/);
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const name of Object.keys(jobs)) expect(page).toContain(name);
    const tables = page.match(/<table>/g)?.length;
    expect(page.match(/role="region" aria-label="[^"]+" tabindex="0"><table>/g)?.length).toBe(tables);
  });

  it('gives losses of different kinds charts of their own', async () => {
    const small = [stepRow(1, 0.02), stepRow(2, 0.01), ...rows.filter(({ type }) => type === 'eval')];
    const page = await pageOf({ a: {}, b: { settings: { loss: 'bce' }, log: small } });
    const charts = dataOf(page).charts.map(({ curves }) => curves.map(({ run, label }) => [run, label]));
    expect(charts.slice(0, 2)).toEqual([
      [
        [0, 'train'],
        [0, 'test'],
        [1, 'test'],
      ],
      [[1, 'train']],
    ]);
    for (const text of ['cross entropy (nats)', 'binary cross entropy (nats)', '0.01 (bce)'])
      expect(page).toContain(text);
    expect(await pageOf({ a: {} })).not.toContain('binary');
  });

  it('has pictures that are well-formed, with a title each', async () => {
    const found = pictures(await pageOf({ a: full, b: full }));
    expect(found).toHaveLength(8); // loss, top-1, learning rate, speed; k and confusion matrix of each run
    for (const svg of found) {
      expect(svg).toContain('<title>');
      expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
    }
  });

  it('carries the values that it reads out', async () => {
    const { charts, heats } = dataOf(await pageOf({ a: full, b: {} }));
    const [loss, top1, lr, speed, k] = charts;
    expect(charts).toHaveLength(5);
    expect(loss?.curves.map(({ run, label }) => [run, label])).toEqual([
      [0, 'train'],
      [0, 'test'],
      [1, 'train'],
      [1, 'test'],
    ]);
    expect(loss?.curves[1]?.points).toEqual([
      [1, 0.5],
      [2, 0.5],
    ]);
    expect(top1?.curves[1]?.points).toEqual([
      [1, 90],
      [2, 80],
    ]);
    expect(lr?.curves[0]?.points).toHaveLength(20);
    expect(speed?.curves).toHaveLength(2);
    expect(k?.curves).toMatchObject([
      {
        label: 'stage1.step1.k',
        points: [
          [0, 0],
          [2, -0.2],
        ],
      },
      {
        label: 'stage1.step2.k',
        points: [
          [0, 0],
          [2, 0.2],
        ],
      },
    ]);
    expect(heats).toMatchObject([
      {
        cells: [
          [0, 0, 3],
          [0, 1, 1],
          [1, 1, 4],
        ],
      },
    ]);
  });

  it('keeps long curves short, and their spikes', async () => {
    const log = Array.from({ length: 20_000 }, (_, i) => stepRow(i + 1, 1));
    const page = await pageOf({ a: { log } });
    expect(page.length).toBeLessThan(200_000);
  });

  it('escapes what is not its own, also in the data of its script', async () => {
    const values = { '</script><s>': [0] };
    const log: MetricsRow[] = [{ type: 'coefficients', step: 0, epoch: 0, values }, ...rows];
    const page = await pageOf({ '<b>&"x"': { ...full, log, settings: { note: '<u>' } } });
    expect(page).not.toMatch(/<b>&|<s>|<u>|<dog>/);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).toContain('&lt;dog&gt;');
  });

  it('says what does not apply', async () => {
    const page = await pageOf({ a: { log: [stepRow(1)] }, b: { log: [stepRow(1)] } });
    expect(page).toContain('no run has logged a learned coefficient');
    expect(page).toContain('None: all runs have the same settings');
    expect(page).toContain('No run has been evaluated');
    expect(page).not.toContain('Which classes are mistaken');
  });

  it('can hide every run, by a box that is reached by the keyboard', async () => {
    const page = await pageOf({ a: full, b: full });
    for (const i of [0, 1]) {
      expect(page).toContain(`<input type="checkbox" id="show-${i}" checked>`);
      expect(page).toContain(`body:has(#show-${i}:not(:checked)) .run-${i} { display: none; }`);
      expect(page).toContain(`<g class="run-${i}"`);
    }
    expect(page.match(/class="plot" tabindex="0"/g)).toHaveLength(8);
  });
});

describe('mistakes', () => {
  it('are the cells off the diagonal, the most frequent first, as parts of their class', () => {
    const confusion = [
      [5, 2, 3],
      [0, 1, 1],
      [0, 0, 0],
    ];
    expect(mistakes({ confusion, classNames: ['a', 'b', 'c'] }, 2)).toEqual([
      { truth: 'a', taken: 'c', count: 3, share: 0.3 },
      { truth: 'a', taken: 'b', count: 2, share: 0.2 },
    ]);
  });
});
