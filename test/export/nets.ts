/**
 * What the exports are checked with: every architecture and scheme, one of a user's own, and every operation.
 */
import { damped, half } from '../../examples/own-scheme.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Model } from '../../src/model/model.ts';
import type { ModelOptions } from '../../src/model/options.ts';
import { network } from '../../src/models/network.ts';
import { presetConfig } from '../../src/models/presets.ts';
import { opRows } from '../native/ops/opRows.ts';
import { statisticOf } from '../reference/golden.ts';
import { networks } from '../reference/networks.ts';
import { graphOf } from '../support/graphs/cases.ts';
import { formulaOf, uniform } from '../support/graphs/formula.ts';
import { tinyModel } from '../support/training.ts';

const ownScheme = (): Graph =>
  network({
    ...presetConfig('preact_resnet20', {
      input: [3, 16, 16],
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
    }),
    name: 'damped20',
    scheme: damped,
    block: half,
  });

/** Networks and operations by name; each is made when it is wanted. */
export const exportedNets: Readonly<Record<string, () => Graph>> = {
  ...Object.fromEntries(Object.entries(networks).map(([name, config]) => [name, () => network(config)])),
  'a scheme and a block of one’s own': ownScheme,
  ...Object.fromEntries(
    Object.entries(opRows).flatMap(([op, rows]) =>
      rows.map((row) => [`${op}: ${row.what}`, () => graphOf(row)] as const),
    ),
  ),
};

/** A model with weights and statistics by formula. */
export async function filledModel(graph: Graph, options: ModelOptions = {}): Promise<Model> {
  const model = await tinyModel(options, graph);
  for (const param of graph.params) await model.writeTensor(param.path, formulaOf(param));
  for (const buffer of graph.buffers) await model.writeTensor(buffer.path, statisticOf(buffer));
  return model;
}

/** Images by formula, uint8 [n, height, width, channels]. */
export function pixelsFor({ input: { channels, height, width } }: Graph, n: number): Uint8Array {
  return Uint8Array.from(uniform('pixels', n * height * width * channels), (r) => Math.floor(256 * r));
}
