import { describe, expect, it } from 'vitest';
import { avgPool2d, concat, lin, padChannels, relu, slice } from '../../src/graph/functions.ts';
import { summary } from '../../src/graph/summary.ts';
import { network } from '../../src/models/network.ts';
import { basic, basicConvs, preact } from '../../src/nn/blocks.ts';
import { conv, norm } from '../../src/nn/layers.ts';
import { ownNorm } from '../../src/nn/shortcuts.ts';
import { restarted } from '../../src/nn/transitions.ts';
import type { Block, Scheme, Transition } from '../../src/roles.ts';
import { euler } from '../../src/schemes/euler.ts';
import { projected } from '../../src/schemes/projected.ts';
import { thrown } from '../support/errors.ts';
import { thin } from '../support/graphs/nets.ts';

/** RevNet's scheme: a probe of enter, exit and several f per step. */
const reversible: Scheme = {
  name: 'reversible',
  enter: ([u]) => [slice(u, 0, u.channels / 2), slice(u, u.channels / 2, u.channels)],
  step([a, b], field) {
    if (!b) throw new Error('two halves');
    const x = lin([1, a], [1, field()(b)]);
    return [x, lin([1, b], [1, field()(x)])];
  },
  exit: (state) => concat(...state),
};

/** Option-A shortcut on the joined halves: no parameters. */
const optionA: Transition = (history, field, io) => {
  const u = concat(...history);
  const extra = (io.out - io.in) / 2;
  const shortcut = padChannels(avgPool2d(u, { kernel: io.stride }), extra, extra);
  return [lin([1, shortcut], [1, field(io)(u)])];
};

describe('network', () => {
  it('names every step, f and layer', () => {
    const { nodes, params } = network(thin);
    const paths = new Set(nodes.map((node) => node.path));
    for (const path of ['stem.conv', 'stage1.step0.f0.bn1', 'stage2.step2', 'head.pool', 'head.fc'])
      expect(paths).toContain(path);
    expect(params.map((param) => param.path)).toContain('stage2.step0.shortcut.conv.weight');
    expect(paths).not.toContain('');
  });

  it('records steps, depth and evaluations of f', () => {
    const { steps, nodes } = network(thin);
    expect(steps.map(({ path, stage, n, N, t, transition }) => [path, stage, n, N, t, transition])).toEqual([
      ['stage1.step0', 1, 0, 6, 0, false],
      ['stage1.step1', 1, 1, 6, 0.2, false],
      ['stage1.step2', 1, 2, 6, 0.4, false],
      ['stage2.step0', 2, 3, 6, 0.6, true],
      ['stage2.step1', 2, 4, 6, 0.8, false],
      ['stage2.step2', 2, 5, 6, 1, false],
    ]);
    for (const { fields, before, path } of steps) {
      expect(fields.map((field) => field.path)).toEqual([`${path}.f0`]);
      expect(fields[0]?.input).toBe(before[0]);
      expect(nodes[fields[0]?.output ?? -1]?.path).toBe(`${path}.f0.conv2`);
    }
  });

  it('gives parameters the depth of their step', () => {
    const depths = new Map(network(thin).params.map((param) => [param.path, param.depth]));
    expect(depths.get('stem.conv.weight')).toBe(0);
    expect(depths.get('stage2.step1.f0.conv1.weight')).toBe(0.8);
    expect(depths.get('stage2.step1.k')).toBe(0.8);
    expect(depths.get('head.fc.bias')).toBe(1);
  });

  it('takes a scheme with two variables, its own enter and exit, and a parameter-free shortcut', () => {
    const graph = network({ ...thin, scheme: reversible, transition: optionA });
    expect(graph.shapes()[graph.output]).toEqual([1, 5]);
    expect(graph.steps[0]?.fields.map((field) => field.path)).toEqual(['stage1.step0.f0', 'stage1.step0.f1']);
    expect(graph.nodes.filter((node) => node.path === 'stage2.enter')).toHaveLength(2);
    expect(graph.nodes.filter((node) => node.op === 'concat').map((node) => node.path)).toEqual([
      'stage2.step0',
      'exit',
    ]);
  });

  it('shares the first norm between f and a shortcut that asks for it', () => {
    const shared: Transition = ([u], field, io, { s }) => {
      const f = field(io);
      const sizes = { in: io.in, out: io.out, kernel: 1, stride: io.stride };
      const shortcut = conv(s.at('shortcut'), sizes)(f.pre?.(u) ?? u);
      return [lin([1, shortcut], [1, f(u)]), shortcut];
    };
    const own = network({ ...thin, scheme: euler });
    const both = network({ ...thin, scheme: euler, transition: shared });
    const norms = (graph: typeof own): number =>
      graph.nodes.filter((node) => node.op === 'batchNormStats').length;
    expect(norms(own) - norms(both)).toBe(1);
    expect(summary(own).totals.parameters - summary(both).totals.parameters).toBe(2 * 4);
  });

  it('takes blocks that share some weights between applications and not others', () => {
    const partly: Block = (s, io) => {
      const shared = conv(s.at('conv'), { in: io.in, out: io.out, kernel: 3, stride: io.stride });
      let uses = 0;
      return (u) => norm(s.at('bn').at(`use${uses++}`), io.out)(shared(u));
    };
    const poly: Scheme = {
      name: 'poly2',
      step([u], field) {
        const f = field();
        const fu = f(u);
        return [lin([1, u], [1, fu], [1, f(fu)])];
      },
    };
    const { params, steps } = network({ ...thin, block: partly, scheme: poly });
    const own = params.map((param) => param.path).filter((path) => path.startsWith('stage1.step0.'));
    expect(own).toEqual([
      'stage1.step0.f0.conv.weight',
      ...['use0', 'use1'].flatMap((use) => ['weight', 'bias'].map((p) => `stage1.step0.f0.bn.${use}.${p}`)),
    ]);
    const [first, second] = steps[0]?.fields ?? [];
    expect(second).toMatchObject({ path: 'stage1.step0.f0', input: first?.output });
  });

  it('goes on with the history where a stage changes nothing', () => {
    const one = { ...thin, stages: [{ width: 4, steps: 4, stride: 1 }] };
    const two = { ...thin, stages: [0, 1].map(() => ({ width: 4, steps: 2, stride: 1 })) };
    const ops = (config: typeof thin): string[] => network(config).nodes.map((node) => node.op);
    expect(ops(two)).toEqual(ops(one));
  });

  it('makes a stage of the parts that it names itself', () => {
    const stages = [
      { width: 4, steps: 3, stride: 1 },
      { width: 8, steps: 3, stride: 2, block: basic, scheme: projected(euler, relu) },
    ];
    const { steps, params } = network({ ...thin, stages });
    expect(steps.map(({ scheme }) => scheme).slice(2, 4)).toEqual(['linearTwoStep', 'projected(euler)']);
    const paths = params.map(({ path }) => path);
    expect(paths).toContain('stage1.step1.k');
    expect(paths).not.toContain('stage2.step1.k');
    expect(paths).toContain('stage2.step1.f0.bn2.weight');
  });

  it('starts a stage with the transition that it names, even where nothing changes', () => {
    const stages = [{ width: 4, steps: 2, stride: 1, transition: restarted(ownNorm) }];
    const { steps } = network({ ...thin, stages });
    expect(steps.map(({ transition }) => transition)).toEqual([true, false]);
    expect(steps.map(({ before }) => before.length)).toEqual([1, 2]);
  });

  it.each([
    [euler, 6 - 1],
    [reversible, 11 - 1], // two f per step, but one in the transition
  ])('makes the very first f by its own block', (scheme, norms) => {
    const firstBlock = preact(basicConvs, { bare: true });
    const graph = network({ ...thin, scheme, firstBlock, transition: optionA });
    const found = graph.params.map(({ path }) => path).filter((path) => path.endsWith('bn1.weight'));
    expect(found).not.toContain('stage1.step0.f0.bn1.weight');
    expect(found).toHaveLength(norms);
  });

  it.each([
    ['no stages', { stages: [] }],
    ['a stage without steps', { stages: [{ width: 4, steps: 0, stride: 1 }] }],
    ['a fractional width', { stages: [{ width: 4.5, steps: 1, stride: 1 }] }],
    ['no classes', { classes: 0 }],
  ])('refuses %s', (_, change) => {
    expect(thrown(() => network({ ...thin, ...change })).code).toBe('ERR_CONFIG');
  });

  it('names the layer whose shapes do not fit', () => {
    const wrong = {
      ...thin,
      block: (s: Parameters<typeof thin.block>[0]) => conv(s, { in: 9, out: 4, kernel: 3 }),
    };
    const found = thrown(() => network(wrong));
    expect(found.code).toBe('ERR_SHAPE');
    expect(found.text).toContain('stage1.step0.f0 (conv2d)');
    expect(found.text).toContain('[4,9,3,3]');
    expect(found.text).toContain('[1,4,8,8]');
  });
});
