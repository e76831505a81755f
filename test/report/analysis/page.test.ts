import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../../src/analyze/analyze.ts';
import { relu } from '../../../src/graph/functions.ts';
import { analysisPage } from '../../../src/report/analysis/page.ts';
import type { Scheme } from '../../../src/roles.ts';
import { euler } from '../../../src/schemes/euler.ts';
import { fractal } from '../../../src/schemes/fractal.ts';
import { leapfrog } from '../../../src/schemes/leapfrog.ts';
import { linearTwoStep } from '../../../src/schemes/linearTwoStep.ts';
import { momentum } from '../../../src/schemes/momentum.ts';
import { projected } from '../../../src/schemes/projected.ts';
import { rungeKutta } from '../../../src/schemes/rungeKutta.ts';
import { threeStep } from '../../../src/schemes/threeStep.ts';
import { fake, images, type ParamRule, thinNet } from '../../analyze/fake.ts';

async function pageOf(scheme: Scheme, count: number, param?: ParamRule): Promise<string> {
  const model = fake(thinNet(scheme, 4), param);
  const names = ['<b>&"cat"', 'dog'];
  return analysisPage(
    await analyze(model, { ...(count > 0 && { images: images(model.graph, count), names }) }),
  );
}

const pictures = (page: string): string[] => page.match(/<svg[\s\S]*?<\/svg>/g) ?? [];

describe('analysisPage', () => {
  const schemes: [string, Scheme][] = [
    ['euler', euler],
    ['linearTwoStep', linearTwoStep()],
    ['linearTwoStep per channel', linearTwoStep({ per: 'channel' })],
    ['threeStep, trained', threeStep({ trained: true })],
    ['rk4', rungeKutta('rk4')],
    ['fractal', fractal()],
    ['leapfrog', leapfrog],
    ['momentum', momentum()],
    ['projected', projected(euler, relu)],
  ];
  it.each(schemes)('is complete and needs nothing else for %s', async (_, scheme) => {
    const page = await pageOf(scheme, 3, (path, i) => (path.endsWith('.c') ? -1.8 : -0.4 + 0.1 * i));
    expect(page).toMatch(/^<!DOCTYPE html>/);
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|src=|href=|@import|url\(|<script/,
    );
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(page.match(/<h2>/g)?.length).toBeGreaterThanOrEqual(7);
    const tables = page.match(/<table>/g)?.length;
    expect(page.match(/role="region" aria-label="[^"]+" tabindex="0"><table>/g)?.length).toBe(tables);
  });

  it('has pictures that are well-formed, with a title each', async () => {
    const found = pictures(await pageOf(linearTwoStep(), 2));
    expect(found).toHaveLength(6); // k, modified equation, region, norms, two stages
    for (const svg of found) {
      expect(svg).toContain('<title>');
      expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
    }
  });

  it('escapes what is not its own', async () => {
    const page = await pageOf(linearTwoStep(), 2);
    expect(page).toContain('&lt;b&gt;&amp;&quot;cat&quot;');
    expect(page).not.toContain('<b>');
  });

  it('says what does not apply', async () => {
    const page = await pageOf(euler, 0);
    expect(page).toContain('Does not apply: no step of this network reads an older state');
    expect(page).toContain('Not measured: no images were given');
    expect(pictures(page)).toHaveLength(2); // modified equation and region are there for Euler too
    expect(await pageOf(projected(euler, relu), 0)).toContain('no stability polynomial to read off');
  });

  it('marks steps outside the zero-stable band', async () => {
    const page = await pageOf(linearTwoStep(), 0, (path) => (path === 'stage2.step3.k' ? -1.2 : 0.1));
    expect(page).toContain('1 of 7 steps are not zero-stable:</span> stage2.step3');
    expect(page).toContain('outside the band');
    expect(await pageOf(linearTwoStep(), 0, () => 0.1)).not.toContain('outside the band');
  });
});
