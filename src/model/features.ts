/** What a network makes of images before its last layer, by name. */
import { oneOf } from '../check.ts';
import { expected } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { must } from '../must.ts';
import type { NativeTensor } from '../native/binding.ts';
import type { Core } from './core.ts';
import type { GivenImages } from './givenImages.ts';
import type { SizeOptions } from './options.ts';
import { probe } from './probe.ts';

/** A place whose values `model.features` gives. */
export type FeatureName = 'pooled' | 'stem' | `stage${number}`;

/** The values of named places of a network for images, in evaluation. */
export async function features<N extends FeatureName>(
  core: Core,
  images: GivenImages,
  names: readonly N[],
  options: SizeOptions,
): Promise<Record<N, NativeTensor>> {
  const nodes = nodesOf(core.graph);
  if (!Array.isArray(names) || names.length === 0)
    throw expected('ERR_CONFIG', 'a list of names', 'features.names', names);
  const known = [...nodes.keys()];
  const asked = [...new Set(names)].map((name) => must(nodes.get(oneOf(name, known, 'feature'))));
  const found = await probe(core, images, asked, options);
  return Object.fromEntries([...new Set(names)].map((name, i) => [name, must(found[i])])) as Record<
    N,
    NativeTensor
  >;
}

/** Ids of the nodes that have a name: the newest state after each stage, and what the last layer reads. */
function nodesOf(graph: Graph): Map<FeatureName, number> {
  const nodes = new Map<FeatureName, number>();
  const last = graph.nodes[graph.output];
  if (last?.op === 'linear') nodes.set('pooled', beforeDropout(graph, must(last.inputs[0])));
  const [first] = graph.steps;
  if (first !== undefined) nodes.set('stem', must(first.before[0]));
  for (const { stage, after } of graph.steps) nodes.set(`stage${stage}`, must(after[0]));
  return nodes;
}

/** Dropout does nothing in evaluation. */
function beforeDropout({ nodes }: Graph, id: number): number {
  const { op, inputs } = must(nodes[id]);
  return op === 'dropout' ? must(inputs[0]) : id;
}
