/**
 * SGD with dampening, AdamW, LARS and LAMB against PyTorch and timm, and what a step that is not finite
 * leaves of them.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { globalAvgPool } from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import { network } from '../../../src/models/network.ts';
import type {
  NativeModel,
  NativeOptimizerSpec,
  NativeTrainer,
  TensorSet,
} from '../../../src/native/binding.ts';
import { linear } from '../../../src/nn/layers.ts';
import { optimizerSpec, optimizers } from '../../../src/train/optimizer/spec.ts';
import { trainSchema } from '../../../src/train/options.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { thin } from '../../support/graphs/nets.ts';
import { trainingLoader } from '../../support/loader.ts';
import { chunkTable, nativeModel, plainInput, randomSource } from '../../support/natives.ts';
import { distance } from '../../support/tensor.ts';

type Kind = NativeOptimizerSpec['kind'];

interface Golden {
  readonly rates: readonly number[];
  readonly cases: readonly {
    readonly kind: Kind;
    readonly momentum: number;
    readonly decay: number;
    readonly dampening?: number;
    readonly nesterov?: boolean;
    readonly beta2?: number;
    readonly eps?: number;
    readonly trust?: number;
    readonly weight: readonly number[];
    readonly bias: readonly number[];
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../../golden/training/optimizers.json', import.meta.url), 'utf8'),
);
const flat = trace('linear', plainInput(3, 1, 1), (s, x) => linear(s, { in: 3, out: 4 })(globalAvgPool(x)));
const [weight, bias] = ['weight', 'bias'].map((name) => flat.params.findIndex(({ path }) => path === name));

function trainerOf(
  graph: Graph,
  model: NativeModel,
  optimizer: NativeOptimizerSpec,
  batch = 10,
): NativeTrainer {
  const loader = trainingLoader(graph.input, batch);
  return new (addon().Trainer)(model, randomSource(graph, 10), { loader, seed: 0, optimizer });
}

describe.each(golden.cases)('$kind with momentum $momentum and decay $decay', (row) => {
  const { kind, momentum, decay, trust, nesterov = false, dampening = 0, beta2 = 0.999, eps = 1e-8 } = row;

  it('moves the weights as in Python', async () => {
    const model = nativeModel(flat);
    for (const [name, count] of [
      ['weight', 12],
      ['bias', 4],
    ] as const)
      await model.writeTensor(
        name,
        'value',
        uniform(name, count).map((r) => r - 0.5),
      );
    const optimizer: NativeOptimizerSpec = {
      kind,
      nesterov,
      dampening,
      beta2,
      eps,
      ...(trust === undefined ? {} : { trustCoefficient: trust }),
      groups: [
        { params: [weight ?? -1], lrScale: 1, decayScale: 1, adapts: kind === 'lars' || kind === 'lamb' },
        { params: [bias ?? -1], lrScale: 1, decayScale: 0 },
      ],
    };
    const table = chunkTable(golden.rates.map((lr) => ({ lr, momentum, weightDecay: decay })));
    await trainerOf(flat, model, optimizer).run({ first: 0, table });
    for (const name of ['weight', 'bias'] as const)
      expect(distance(await model.readTensor(name, 'value'), row[name]), name).toBeLessThan(1e-12);
  });
});

const net = network(thin);

/** All that the optimiser changes, by set and path. */
async function stateOf(model: NativeModel, kind: Kind): Promise<Record<string, number[]>> {
  const sets: readonly TensorSet[] = ['value', ...optimizers[kind].state];
  const all = sets.flatMap((set) => net.params.map(({ path }) => [set, path] as const));
  const read = async ([set, path]: (typeof all)[number]): Promise<[string, number[]]> => [
    `${set} ${path}`,
    Array.from(await model.readTensor(path, set)),
  ];
  return Object.fromEntries(await Promise.all(all.map(read)));
}

/** Steps at a small rate but for the third, whose weights make the next one overflow. */
const rows = Array.from({ length: 8 }, (_, i) => ({
  lr: i === 2 ? 1e30 : 0.01,
  momentum: 0.9,
  weightDecay: 1e-3,
}));

describe.each(Object.keys(optimizers) as Kind[])('%s', (kind) => {
  const optimizer = optimizerSpec(net.params, trainSchema.parse({ optimizer: kind, trustCoefficient: 1 }));
  const advance = async (model: NativeModel, from: number, to: number): Promise<number> => {
    const trainer = trainerOf(net, model, optimizer, 4);
    return (await trainer.run({ first: from, table: chunkTable(rows.slice(from, to)) })).steps;
  };

  it('keeps weights and moments of the last good step when one is not finite', async () => {
    const [model, twin] = [nativeModel(net, 'float32'), nativeModel(net, 'float32')];
    expect(await advance(model, 0, 8)).toBe(3);
    expect(await advance(twin, 0, 3)).toBe(3);
    const state = await stateOf(model, kind);
    expect(state).toEqual(await stateOf(twin, kind));
    expect(Object.values(state).flat().every(Number.isFinite)).toBe(true);
  });

  it('goes on to the bit with another trainer on another model that has the same tensors', async () => {
    const [whole, first, second] = [0, 0, 9].map((seed) => nativeModel(net, 'float32', seed)) as [
      NativeModel,
      NativeModel,
      NativeModel,
    ];
    await advance(whole, 3, 8);
    await advance(first, 3, 5);
    for (const { path } of net.buffers)
      await second.writeTensor(path, 'value', await first.readTensor(path, 'value'));
    for (const set of ['value', ...optimizers[kind].state] as const)
      for (const { path } of net.params)
        await second.writeTensor(path, set, await first.readTensor(path, set));
    await advance(second, 5, 8);
    expect(await stateOf(second, kind)).toEqual(await stateOf(whole, kind));
  });
});

describe('an optimiser', () => {
  it.each<[string, object]>([
    ['of an unknown kind', { kind: 'adam' }],
    ['with a negative dampening', { dampening: -1 }],
    ['with a decay that is no number', { beta2: Number.NaN }],
    ['with an endless eps', { eps: Number.POSITIVE_INFINITY }],
  ])('%s is refused', async (_, change) => {
    const optimizer = { kind: 'sgd', nesterov: false, groups: [], ...change } as NativeOptimizerSpec;
    expect(await codeOf(() => void trainerOf(flat, nativeModel(flat), optimizer))).toBe('ERR_CONFIG');
  });
});
