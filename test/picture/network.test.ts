import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { relu } from '../../src/graph/functions.ts';
import { preset } from '../../src/models/presets.ts';
import { drawNetwork } from '../../src/picture/network.ts';
import type { Scheme } from '../../src/roles.ts';
import { adamsBashforth2 } from '../../src/schemes/adamsBashforth2.ts';
import { euler } from '../../src/schemes/euler.ts';
import { fractal } from '../../src/schemes/fractal.ts';
import { leapfrog } from '../../src/schemes/leapfrog.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { momentum } from '../../src/schemes/momentum.ts';
import { poly } from '../../src/schemes/poly.ts';
import { projected } from '../../src/schemes/projected.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { rungeKutta } from '../../src/schemes/rungeKutta.ts';
import { threeStep } from '../../src/schemes/threeStep.ts';
import { thinNet } from '../analyze/fake.ts';

/** Texts of a picture, entities resolved as far as they occur. */
const texts = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, content = '']) => content);
const dashed = (svg: string): number => svg.match(/stroke-dasharray/g)?.length ?? 0;

describe('drawNetwork', () => {
  const wide = { stages: [{ width: 4, steps: 6, stride: 1 }] };
  const schemes: [string, Scheme, Parameters<typeof thinNet>[2]?][] = [
    ['euler', euler],
    ['linearTwoStep', linearTwoStep()],
    ['threeStep', threeStep({ trained: true })],
    ['poly', poly(3)],
    ['rk38', rungeKutta('rk38')],
    ['adamsBashforth2', adamsBashforth2],
    ['leapfrog', leapfrog],
    ['momentum', momentum()],
    ['reversible', reversible, wide],
    ['fractal', fractal({ columns: 4 })],
    ['projected', projected(euler, relu)],
  ];
  it.each(schemes)('draws a net of %s as well-formed SVG', async (_, scheme, change) => {
    const svg = drawNetwork(thinNet(scheme, 6, change));
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('shows states, history and coefficients of the two-step scheme', () => {
    const svg = drawNetwork(thinNet(linearTwoStep(), 3));
    for (const label of ['u₀', 'f₁', 'k₁', '1 − k₁', 'k₅', '1 − k₅', 'history: older states'])
      expect(texts(svg)).toContain(label);
    expect(texts(svg)).not.toContain('k₀'); // the first step of a stage has none
    expect(texts(svg)).not.toContain('k₃'); // nor has a transition
    expect(texts(svg)).toContain('Stage 2: width 4 → 8, resolution 8 → 4');
    expect(dashed(svg)).toBe(5); // four k and the key
  });

  it('writes the official parameterisation as it is stored', () => {
    const found = texts(drawNetwork(thinNet(linearTwoStep({ parameterization: 'official' }), 3)));
    expect(found).toContain('ks₁');
    expect(found).toContain('1 − ks₁');
  });

  it('has no history arrows without history', () => {
    const svg = drawNetwork(thinNet(euler, 3));
    expect(dashed(svg)).toBe(0);
    expect(texts(svg)).not.toContain('history: older states');
  });

  it('folds steps that are alike, however many', () => {
    const [short, deep] = [drawNetwork(preset('lm_resnet32')), drawNetwork(preset('lm_resnet110'))];
    expect(texts(deep).filter((text) => text === '× 14 more')).toHaveLength(3);
    expect(texts(deep)).toContain('f₅₃');
    expect(texts(deep)).not.toContain('f₁₀');
    expect(deep.length).toBeLessThan(1.5 * short.length);
  });

  it('counts the parameters of every part', () => {
    const graph = preset('lm_resnet20');
    const found = texts(drawNetwork(graph)).flatMap((text) => text.match(/([\d,]+) parameters/)?.[1] ?? []);
    const [total = 0, ...parts] = found.map((n) => Number(n.replaceAll(',', '')));
    expect(parts).toHaveLength(5);
    expect(parts.reduce((a, b) => a + b)).toBe(total);
  });
});
