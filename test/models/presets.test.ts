import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { summary } from '../../src/graph/summary.ts';
import { type PresetName, preset, presetNames, presets } from '../../src/models/presets.ts';
import { thrown } from '../support/errors.ts';
import { golden } from './golden.ts';

describe.each(presetNames)('%s', (name) => {
  const graph = preset(name);
  const wide = preset(name, { classes: 100 });
  const row = golden[name];

  it('has the published number of parameters for 10 and 100 classes', () => {
    expect(summary(graph).totals.parameters).toBe(row.c10);
    expect(summary(wide).totals.parameters).toBe(row.c100);
  });

  it('has the known number of MACs', () => {
    expect(summary(graph).totals.macs).toBe(row.macs);
  });

  it('has 3n steps, and 3n - 3 coefficients k if it is an LM net', () => {
    const { n, scheme } = presets[name];
    const ks = graph.params.filter((param) => param.kind === 'coefficient');
    expect(graph.steps).toHaveLength(3 * n);
    expect(ks).toHaveLength(scheme === 'linearTwoStep' ? 3 * n - 3 : 0);
  });

  it('yields logits at other batch and image sizes', () => {
    const shapes = graph.shapes(7, 40, 24);
    expect(shapes[graph.output]).toEqual([7, 10]);
    expect(graph.classes).toBe(10);
    expect(wide.classes).toBe(100);
  });

  it('survives the way through JSON', () => {
    expect(Graph.fromSpec(JSON.parse(JSON.stringify(graph.toSpec())))).toEqual(graph);
  });
});

describe('preset', () => {
  it('normalises as the LM code by default, and 1-channel images by 0.5 and 0.25', () => {
    expect(preset('lm_resnet20').input).toEqual({
      channels: 3,
      height: 32,
      width: 32,
      mean: [0.4914, 0.4822, 0.4465],
      std: [0.2023, 0.1994, 0.201],
    });
    expect(preset('lm_resnet20', { input: [1, 28, 28] }).input).toMatchObject({ mean: [0.5], std: [0.25] });
    expect(preset('lm_resnet20', { mean: [0, 0, 0], std: [1, 1, 1] }).input.std).toEqual([1, 1, 1]);
  });

  it('stores k as asked', () => {
    const paths = preset('lm_resnet20', { k: 'official' }).params.map((param) => param.path);
    expect(paths).toContain('stage1.step1.ks');
    expect(paths).not.toContain('stage1.step1.k');
  });

  it('suggests the nearest name for an unknown one', () => {
    const { code, text } = thrown(() => preset('lm_resnet21' as PresetName));
    expect(code).toBe('ERR_UNKNOWN_NAME');
    expect(text).toContain('lm_resnet20');
  });

  it('knows no names that objects inherit', () => {
    expect(thrown(() => preset('constructor' as PresetName)).code).toBe('ERR_UNKNOWN_NAME');
  });

  it.each([
    ['an unknown option', { clases: 10 }],
    ['zero classes', { classes: 0 }],
    ['a fractional size', { input: [3, 32.5, 32] }],
    ['means for other channels', { mean: [0.5] }],
    ['a deviation of zero', { std: [0.2, 0, 0.2] }],
    ['another k', { k: 'mine' }],
  ])('refuses %s', (_, options) => {
    expect(thrown(() => preset('lm_resnet20', options as object)).code).toBe('ERR_CONFIG');
  });

  it('refuses k for a model without one', () => {
    expect(thrown(() => preset('preact_resnet20', { k: 'paper' })).code).toBe('ERR_CONFIG');
  });
});
