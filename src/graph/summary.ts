import { expected } from '../errors.ts';
import { must } from '../must.ts';
import { Graph } from './graph.ts';
import { coefReader, inferAll } from './infer.ts';
import { opRow } from './ops.ts';
import { elements } from './shapes.ts';

/** One layer: the nodes that share a path. */
export interface LayerSummary {
  readonly path: string;
  readonly ops: readonly string[];
  /** Shape of its last node for one image of the nominal size. */
  readonly output: readonly number[];
  /** Trained numbers, counted at the first layer that reads them. */
  readonly parameters: number;
  /** Multiply-accumulates per image. */
  readonly macs: number;
  /** Bytes of what its operations yield for one image, in float32. */
  readonly activationBytes: number;
}

/** Sizes of a network, per layer and in total. */
export interface Summary {
  readonly name: string;
  readonly layers: readonly LayerSummary[];
  readonly totals: {
    readonly parameters: number;
    readonly macs: number;
    /** Elements that the convolutions and linear layers yield per image. */
    readonly activations: number;
    /** Bytes of all that is computed for one image, in float32: what training keeps at most. */
    readonly activationBytes: number;
  };
}

/**
 * Parameters, multiply-accumulates (MACs) and activations of a graph, per image at the nominal size. MACs and
 * activations count convolutions and linear layers only, as pycls and timm do; running statistics are no
 * parameters.
 *
 * @example
 * summary(preset('lm_resnet20')).totals; // { parameters: 272384, macs: 40813184, activations: 200714 }
 */
export function summary(graph: Graph): Summary {
  if (!(graph instanceof Graph)) throw expected('ERR_CONFIG', 'a graph', 'graph', graph);
  const layers = new Map<string, Layer>();
  const fresh = freshCounter(graph);
  const { channels, height, width } = graph.input;
  let activations = 0;
  for (const [i, { call, shape }] of inferAll(graph, [1, channels, height, width]).entries()) {
    const macs = opRow(call.op).macs?.(call, shape) ?? 0;
    if (macs > 0) activations += elements(shape);
    const layer = layers.get(call.path) ?? emptyLayer(call.path);
    layer.ops.push(call.op);
    layers.set(call.path, {
      ...layer,
      output: shape,
      parameters: layer.parameters + fresh(i),
      macs: layer.macs + macs,
      activationBytes: layer.activationBytes + 4 * elements(shape),
    });
  }
  const rows = [...layers.values()];
  const sum = (of: 'parameters' | 'macs' | 'activationBytes'): number =>
    rows.reduce((total, layer) => total + layer[of], 0);
  return {
    name: graph.name,
    layers: rows,
    totals: {
      parameters: sum('parameters'),
      macs: sum('macs'),
      activations,
      activationBytes: sum('activationBytes'),
    },
  };
}

type Layer = LayerSummary & { readonly ops: string[] };

function emptyLayer(path: string): Layer {
  return { path, ops: [], output: [], parameters: 0, macs: 0, activationBytes: 0 };
}

/** A function from a node, in order, to the elements of the parameters that it is the first to read. */
function freshCounter({ nodes, coefs, params }: Graph): (i: number) => number {
  const counted = new Set<number>();
  const reads = coefReader(coefs);
  return (i) => {
    const { params: own, coefs: used } = must(nodes[i]);
    let count = 0;
    for (const param of [...own, ...used.flatMap(reads)]) {
      if (counted.has(param)) continue;
      counted.add(param);
      count += elements(must(params[param]).shape);
    }
    return count;
  };
}
