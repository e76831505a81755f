import { describe, expect, it } from 'vitest';
import { concat, lin, slice } from '../../src/graph/functions.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { type NetworkConfig, network } from '../../src/models/network.ts';
import { conv } from '../../src/nn/layers.ts';
import type { Scheme, Transition } from '../../src/roles.ts';
import { adamsBashforth2 } from '../../src/schemes/adamsBashforth2.ts';
import { leapfrog } from '../../src/schemes/leapfrog.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { midpoint } from '../../src/schemes/midpoint.ts';
import { momentum } from '../../src/schemes/momentum.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { threeStep } from '../../src/schemes/threeStep.ts';
import { evaluate } from '../support/graphs/evaluate.ts';
import { integrator, opaqueField, thin } from '../support/graphs/nets.ts';

/** Entries of the state before every step of a net of two stages, three steps each. */
function entries(scheme: Scheme, change: Partial<NetworkConfig> = {}): number[] {
  return network({ ...thin, scheme, ...change }).steps.map((step) => step.before.length);
}

/** Projects every entry of the history on its own, and steps with the scheme's rule; f reads u itself. */
const carry =
  (scheme: Scheme): Transition =>
  (history, field, io, at) => {
    const project = (name: string) => conv(at.s.at(name), { ...io, kernel: 1 });
    const [u, ...older] = history;
    const f = field(io);
    return scheme.step(
      [project('shortcut')(u), ...older.map((v, i) => project(`history${i}`)(v))],
      () => () => f(u),
      at,
    );
  };

/** Two stages of one width. */
const unchanged = [0, 1].map(() => ({ width: 4, steps: 2, stride: 1 }));

describe('at a stage border', () => {
  it.each([linearTwoStep(), leapfrog, midpoint])(
    'a two-step scheme takes over the projected history: $name',
    (scheme) => {
      expect(entries(scheme)).toEqual([1, 2, 2, 2, 2, 2]);
    },
  );

  it('the three-step scheme takes what it is given, and starts again with Euler steps', () => {
    expect(entries(threeStep())).toEqual([1, 2, 3, 3, 2, 3]);
    expect(entries(threeStep(), { transition: carry(threeStep()) })).toEqual([1, 2, 3, 3, 3, 3]);
  });

  it('a transition that projects each past state applies the rule of the scheme', () => {
    const { params, steps } = network({ ...thin, transition: carry(linearTwoStep()) });
    const border = steps[3];
    expect(border).toMatchObject({ path: 'stage2.step0', transition: true });
    expect(border?.params.map((i) => params[i]?.path)).toEqual(['stage2.step0.k']);
  });

  it('a history of f is never mistaken for one of u', () => {
    expect(entries(adamsBashforth2)).toEqual([1, 2, 2, 2, 1, 2]);
    expect(entries(adamsBashforth2, { stages: unchanged })).toEqual([1, 2, 1, 2]);
  });

  it('momentum starts at rest', () => {
    const graph = network({ ...thin, scheme: momentum() });
    const velocity = graph.nodes[graph.steps[4]?.before[1] ?? -1];
    expect(velocity).toMatchObject({ op: 'lin', path: 'stage2.enter' });
    expect(velocity?.coefs.map((i) => graph.coefs[i])).toEqual([{ kind: 'constant', value: 0 }]);
  });

  it('the reversible scheme goes on with its halves', () => {
    const ops = (stages: NetworkConfig['stages']): string[] => {
      const { nodes } = network({ ...thin, scheme: reversible, stages });
      return nodes.map((node) => node.op);
    };
    expect(ops(unchanged)).toEqual(ops([{ width: 4, steps: 4, stride: 1 }]));
  });

  it('the reversible scheme takes both halves, or u whole, from a transition', () => {
    const shapes = (graph: Graph): unknown[] =>
      (graph.steps[4]?.before ?? []).map((id) => [graph.nodes[id]?.path, graph.shapes()[id]]);
    const whole: Transition = (history, field, io, { s }) => {
      const u = concat(...history);
      return [lin([1, conv(s.at('shortcut'), { ...io, kernel: 1 })(u)], [1, field(io)(u)])];
    };
    const halves: Transition = (history, field, io, at) => {
      const [u] = whole(history, field, io, at);
      return [slice(u, 0, io.out / 2), slice(u, io.out / 2, io.out)];
    };
    const net = (transition: Transition): Graph => network({ ...thin, scheme: reversible, transition });
    expect(shapes(net(whole))).toEqual([0, 1].map(() => ['stage2.enter', [1, 4, 4, 4]]));
    expect(shapes(net(halves))).toEqual([0, 1].map(() => ['stage2.step0', [1, 4, 4, 4]]));
  });
});

describe('leapfrog', () => {
  it("is of order 2 for u'' = f(u) from rest", () => {
    // u'' = u - 2 u³, u(0) = 1, u'(0) = 0: u = 1 / cosh t
    const error = (steps: number): number => {
      const f = (u: number): number => (u - 2 * u ** 3) / steps ** 2;
      return Math.abs(
        evaluate(integrator(leapfrog, steps, opaqueField), { x: 1, relu: f }) - 1 / Math.cosh(1),
      );
    };
    expect(Math.log2(error(64) / error(128))).toBeCloseTo(2, 1);
  });
});
