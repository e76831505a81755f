import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { summary } from '../../src/graph/summary.ts';
import { network } from '../../src/models/network.ts';
import { type PresetName, preset, presetConfig, presetNames, presets } from '../../src/models/presets.ts';
import { thrown } from '../support/errors.ts';
import { derived, giants, golden, polynetParts, variants } from './golden.ts';

const parameters = (graph: Graph): number => summary(graph).totals.parameters;

/** What 100 classes cost more than 10: rows of the linear layer. */
const wider = (graph: Graph): number => {
  const fc = graph.params.find(({ path }) => path === 'head.fc.weight');
  return 90 * (1 + (fc?.shape[1] ?? 0));
};

/** The counts of a graph, as far as a row gives them. */
function counts(graph: Graph, row: { readonly c1000?: number; readonly c100?: number }): object {
  if (row.c1000 !== undefined) return { c1000: parameters(graph) };
  const c10 = parameters(graph);
  return row.c100 === undefined ? { c10 } : { c10, c100: c10 + wider(graph) };
}

describe.each(presetNames)('%s', (name) => {
  const graph = preset(name);
  const { macs, ...published } = golden[name];

  it('has the published number of parameters and MACs', () => {
    expect(counts(graph, published)).toEqual(published);
    expect(summary(graph).totals.macs).toBe(macs);
  });

  it('has the classes and images that it was published for, and a step for every block', () => {
    const { set } = presets[name];
    const side = { cifar: 32, imagenet: 224, polynet: 331 }[set];
    expect(graph.classes).toBe(set === 'cifar' ? 10 : 1000);
    expect(graph.input).toMatchObject({ channels: 3, height: side, width: side });
    const config = presetConfig(name);
    expect(graph.steps).toHaveLength(config.stages.reduce((sum, { steps }) => sum + steps, 0));
  });

  it('yields logits at other batch and image sizes', () => {
    const { height } = graph.input;
    const shapes = graph.shapes(7, height + 32, height);
    expect(shapes[graph.output]).toEqual([7, graph.classes]);
  });

  it('survives the way through JSON', () => {
    const text = JSON.stringify(graph.toSpec());
    expect(JSON.stringify(Graph.fromSpec(JSON.parse(text)).toSpec())).toBe(text);
  });
});

describe('the documents', () => {
  it.each(['README.md', 'CHANGELOG.md'])('say how many presets there are: %s', (file) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect([...text.matchAll(/(\d+) presets[,:]/g)].map(([, count]) => Number(count))).toEqual([
      presetNames.length,
    ]);
  });
});

describe('the other forms of the models', () => {
  it.each(variants)('$title have their counts', ({ config, title, ...row }) => {
    const { c1000 } = row;
    const graph = network(config({ classes: c1000 === undefined ? 10 : 1000 }));
    expect(counts(graph, row)).toEqual(row);
  });

  it.each(giants)('$net 1202 with shortcut $shortcut has its count', ({ net, shortcut, c10 }) => {
    const [short, long] = [20, 32].map((depth) =>
      parameters(preset(`${net}${depth}` as PresetName, { shortcut })),
    ) as [number, number];
    expect(short + ((1202 - 20) / 12) * (long - short)).toBe(c10);
  });

  it('add what 100 classes need to the linear layer alone', () => {
    for (const name of ['resnet20', 'lm_resnext29_8x64d', 'revnet38', 'fractalnet20'] as const)
      expect(parameters(preset(name, { classes: 100 }))).toBe(golden[name].c100);
  });

  it.each(derived)('%s has besides k what %s has with its shortcuts', (lm, preact, ks) => {
    const { c10 = 0, c1000 = c10 } = golden[lm];
    expect(c1000 - parameters(preset(preact, { shortcut: 'own' }))).toBe(ks);
  });
});

describe('polynet', () => {
  const graph = preset('polynet');

  it.each(polynetParts)('has in %s %i parameters', (path, count) => {
    const own = graph.params.filter((param) => param.path.startsWith(`${path}.`));
    expect(own.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(count);
  });

  it('scales its modules as its source, from 1 to 0.7', () => {
    const scales = graph.steps
      .filter(({ transition }) => !transition)
      .map(({ after }) => {
        const lin = graph.nodes[graph.nodes[after[0] ?? 0]?.inputs[0] ?? 0];
        return graph.coefs[lin?.coefs.at(-1) ?? 0];
      });
    const values = scales.map((coef) => (coef?.kind === 'constant' ? coef.value : Number.NaN));
    expect(values).toHaveLength(40);
    expect([values[0], values[1], values[10], values[29], values[30], values[39]]).toEqual([
      1, 0.992308, 0.923077, 0.776923, 0.769231, 0.7,
    ]);
  });
});

describe('post-activation nets', () => {
  it.each([
    ['resnet20', 1 + 2 * 9],
    ['resnet18', 1 + 2 * 8],
    ['resnet50', 1 + 3 * 16],
    ['resnext29_8x64d', 1 + 3 * 9],
  ] as const)('%s rectify once after the stem and once per convolution: %i times', (name, count) => {
    expect(preset(name).nodes.filter(({ op }) => op === 'relu')).toHaveLength(count);
  });
});

describe('lm nets', () => {
  it.each([
    ['lm_resnet20', {}, 6],
    ['lm_resnet20', { history: 'project' }, 8],
    ['lm_resnet164', {}, 51],
    ['lm_resnet50', {}, 12],
    ['lm_resnet50', { history: 'project' }, 15],
    ['lm_resnet101', {}, 29],
    ['lm_resnext29_8x64d', {}, 8],
  ] as const)('%s %o have %i coefficients k', (name, options, count) => {
    const ks = preset(name, options).params.filter((param) => param.kind === 'coefficient');
    expect(ks).toHaveLength(count);
  });
});

describe('preset', () => {
  it('normalises as the LM code and torchvision by default, and 1-channel images by 0.5 and 0.25', () => {
    expect(preset('lm_resnet20').input).toEqual({
      channels: 3,
      height: 32,
      width: 32,
      mean: [0.4914, 0.4822, 0.4465],
      std: [0.2023, 0.1994, 0.201],
    });
    expect(preset('resnet18').input).toMatchObject({
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
    expect(preset('lm_resnet20', { input: [1, 28, 28] }).input).toMatchObject({ mean: [0.5], std: [0.25] });
    expect(preset('lm_resnet20', { mean: [0, 0, 0], std: [1, 1, 1] }).input.std).toEqual([1, 1, 1]);
  });

  it('stores k as asked', () => {
    const paths = preset('lm_resnet20', { k: 'official' }).params.map((param) => param.path);
    expect(paths).toContain('stage1.step1.ks');
    expect(paths).not.toContain('stage1.step1.k');
  });

  it('drops with the survival of the papers', () => {
    const keeps = (name: PresetName): number[] =>
      preset(name).nodes.flatMap(({ op, attrs }) => (op === 'mix' ? [Number(attrs.keep)] : []));
    expect(keeps('lm_resnet56_sd')).toHaveLength(26);
    expect(keeps('lm_resnet56_sd').at(-1)).toBeCloseTo(0.8);
    expect(keeps('resnet110_sd')).toHaveLength(54);
    expect(keeps('resnet110_sd')[0]).toBeCloseTo(1 - 0.5 / 54);
    expect(keeps('resnet110_sd').at(-1)).toBeCloseTo(0.5);
  });

  it('has typed names and options', () => {
    const wrong = [
      // @ts-expect-error: no such name
      (): Graph => preset('resnet21'),
      // @ts-expect-error: no such shortcut
      (): Graph => preset('resnet20', { shortcut: 'C' }),
      // @ts-expect-error: no such option
      (): Graph => preset('resnet20', { clases: 10 }),
    ];
    for (const call of wrong) expect(thrown(call).code).toMatch(/^ERR_(CONFIG|UNKNOWN_NAME)$/);
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
    ['more classes than can be named', { classes: 1e9 }],
    ['more channels than images have', { input: [1e9, 32, 32] }],
    ['a fractional size', { input: [3, 32.5, 32] }],
    ['channels at the end', { input: [32, 32, 3] }],
    ['one channel at the end', { input: [28, 28, 1] }],
    ['four channels at the end', { input: [224, 160, 4] }],
    ['channels in the middle', { input: [64, 3, 48] }],
    ['means for other channels', { mean: [0.5] }],
    ['a deviation of zero', { std: [0.2, 0, 0.2] }],
    ['another k', { k: 'mine' }],
    ['another shortcut', { shortcut: 'C' }],
    ['another history', { history: 'forget' }],
    ['the variant of another family', { affine: true }],
  ])('refuses %s', (_, options) => {
    expect(thrown(() => preset('lm_resnet20', options as object)).code).toBe('ERR_CONFIG');
  });

  it.each([
    [[32, 32, 3], '[3, 32, 32]'],
    [[28, 20, 1], '[1, 28, 20]'],
    [[64, 3, 48], '[3, 64, 48]'],
  ] as const)('names the order of the input where it is %o', (input, order) => {
    const { text } = thrown(() => preset('lm_resnet20', { input }));
    expect(text).toContain('[channels, height, width]');
    expect(text).toContain(order);
  });

  it.each([[[3, 32, 32]], [[1, 28, 28]], [[3, 32, 4]], [[12, 32, 32]], [[64, 4, 4]], [[4, 8, 3]]] as const)(
    'takes an input %o that cannot be meant otherwise',
    (input) => {
      const { channels, height, width } = preset('resnet20', { input }).input;
      expect([channels, height, width]).toEqual(input);
    },
  );

  it.each([
    ['preact_resnet20', { k: 'paper' }],
    ['preact_resnet20', { history: 'project' }],
    ['resnet20', { shortcut: 'own' }],
    ['revnet38', { shortcut: 'A' }],
    ['polynet', { k: 'paper' }],
    ['shake_shake26_2x32d', { history: 'restart' }],
    ['fractalnet20', { shortcut: 'B' }],
  ] as const)('refuses for %s the variant %o', (name, options) => {
    expect(thrown(() => preset(name, options)).code).toBe('ERR_CONFIG');
  });

  it('refuses images that a net cannot halve so often', () => {
    expect(thrown(() => preset('polynet', { input: [3, 64, 64] })).code).toBe('ERR_SHAPE');
    expect(thrown(() => preset('fractalnet20', { input: [3, 16, 16] })).code).toBe('ERR_SHAPE');
  });
});
