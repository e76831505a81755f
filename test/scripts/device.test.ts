/** What a machine with a GPU runs without Node: the parts that need neither torch nor a GPU. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/children.ts';
import { temporaryFolder } from '../support/folder.ts';

const scripts = fileURLToPath(new URL('../../scripts/device/', import.meta.url));

/** A folder as check.sh leaves it, by the names of its files. */
async function measured(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'race'));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), JSON.stringify(content));
  return folder;
}

interface Results {
  readonly race: readonly { readonly net: string; readonly speedup?: number; readonly memory?: number }[];
  readonly bars: readonly {
    readonly bar: string;
    readonly is: number | null;
    readonly met: boolean | null;
  }[];
}

async function report(folder: string) {
  const { code, stdout, stderr } = await runProgram('python3', [join(scripts, 'report.py'), folder]);
  const results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as Results;
  const met = (bar: string) => results.bars.find((one) => one.bar.startsWith(bar))?.met;
  return { code, stdout, stderr, results, met };
}

const right = { right: true, times: [{ kernel: 'dot', shape: '256x64x56x56', share: 0.8 }] };
const ours = (ms: number) => ({ medianStepMs: ms, peakDeviceBytes: 600 });
const rival = (ms: number) => ({ ms, peakDeviceBytes: 1000 });

describe('the report of a GPU', () => {
  it('holds what was measured against the bars', async () => {
    const folder = await measured({
      'card.json': { name: 'a card', torch: '2.13.0', cuda: '13.0', copyGBs: 2700 },
      'compare.json': right,
      'kernels.json': right,
      'race/lm_resnet50.ours.json': ours(10),
      'race/lm_resnet50.eager.json': rival(30),
      'race/lm_resnet50.compile.json': rival(15),
      'race/lm_resnet50_euler.ours.json': ours(9),
      'race/lm_resnet20.ours.json': ours(1),
      'race/lm_resnet20.graph.json': rival(1.5),
    });
    const { code, stdout, results, met } = await report(folder);
    expect(code).toBe(0);
    expect(results.race.find(({ net }) => net === 'lm_resnet50')).toMatchObject({
      speedup: 1.5,
      memory: 0.6,
    });
    expect(met('lm_resnet50: 1.3 times')).toBe(true);
    expect(met('lm_resnet50: memory')).toBe(true);
    expect(met('lm_resnet20: 2 times')).toBe(false);
    expect(met('lm_resnet50 over its twin')).toBe(false);
    expect(met('fused kernels')).toBe(true);
    expect(met('resnet50: 1.3 times')).toBe(null);
    expect(stdout).toMatch(/not run/);
    expect(await readFile(join(folder, 'results.md'), 'utf8')).toMatch(/^a card, torch 2\.13\.0/);
  });

  it('ends with 1 where something is wrong or is not there', async () => {
    const wrong = await report(await measured({ 'compare.json': { right: false }, 'kernels.json': right }));
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toMatch(/WRONG or not finished: compare/);
    const nothing = await report(await measured({}));
    expect(nothing.code).toBe(1);
    expect(nothing.stdout).toMatch(/compare, kernels/);
  });
});

describe('the check of a GPU', () => {
  it('says how its graphs are made where there are none', async () => {
    const { code, stderr } = await runProgram('bash', [join(scripts, 'check.sh'), '--dry']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/graphs\.mjs/);
  });

  it('has graphs of every family, and of the nets that are raced', async () => {
    const folder = await temporaryFolder();
    const { code } = await runProgram(process.execPath, [join(scripts, 'graphs.mjs'), folder]);
    expect(code).toBe(0);
    expect((await readdir(join(folder, 'compare'))).length).toBeGreaterThanOrEqual(10);
    const nets = await readFile(join(scripts, 'nets.py'), 'utf8');
    const raced = (await readdir(join(folder, 'race'))).map((name) => name.replace('.json', ''));
    const rivals = raced.filter((name) => !name.endsWith('_euler'));
    expect(rivals.filter((name) => !nets.includes(`"${name}"`))).toEqual([]);
  });
});
