/**
 * A trained network for other classes or another size of images: a new last layer, everything else as it is.
 */
import { expected } from '../errors.ts';
import { Graph } from '../graph/graph.ts';
import { must } from '../must.ts';

/** What is asked of a network that was trained for something else. */
export interface Adaptation {
  readonly classes?: number | undefined;
  readonly classNames?: readonly string[] | undefined;
  /** Channels, height and width of the images. */
  readonly input?: readonly [channels: number, height: number, width: number] | undefined;
}

/** Where the tensors of a loaded model come from, by path. */
export interface LoadReport {
  /** Taken from the checkpoint. */
  readonly matched: readonly string[];
  /**
   * Drawn anew: the last layer, where the classes are others. The checkpoint's tensors of these paths were
   * left out.
   */
  readonly fresh: readonly string[];
}

/** A network, the names of its classes (undefined: numbers), and which of its parameters begin anew. */
export interface Adapted {
  readonly graph: Graph;
  readonly classNames: readonly string[] | undefined;
  readonly fresh: ReadonlySet<string>;
}

/**
 * The network for these classes and this size: its last layer begins anew where the classes are others, by
 * number or by name.
 *
 * @throws ERR_CONFIG when the last layer is not linear, or number and names of classes differ; ERR_SHAPE for
 *   other channels, or a size that the layers cannot take.
 */
export function adapt(graph: Graph, names: readonly string[], wanted: Adaptation): Adapted {
  const { classNames, classes = classNames?.length ?? graph.classes } = wanted;
  if (classNames !== undefined && classNames.length !== classes)
    throw expected('ERR_CONFIG', `${classes} names`, 'model.classNames.length', classNames.length);
  const isNew =
    classes !== graph.classes || (classNames !== undefined && classNames.join('\0') !== names.join('\0'));
  const [channels, height, width] = wanted.input ?? [
    graph.input.channels,
    graph.input.height,
    graph.input.width,
  ];
  if (channels !== graph.input.channels)
    throw expected(
      'ERR_SHAPE',
      `${graph.input.channels} channels, as the network takes,`,
      'model.input',
      channels,
    );
  const last = isNew ? lastLayer(graph) : [];
  const spec = graph.toSpec();
  const params = spec.params.map((param, i) =>
    last.includes(i) ? { ...param, shape: [classes, ...param.shape.slice(1)] } : param,
  );
  return {
    graph: Graph.fromSpec({ ...spec, params, input: { ...spec.input, height, width } }),
    classNames: classNames ?? (isNew ? undefined : names),
    fresh: new Set(last.flatMap((i) => must(spec.params[i]).path)),
  };
}

/** Indices of the parameters of the layer that gives the logits. */
function lastLayer({ nodes, output, name }: Graph): readonly number[] {
  const node = nodes[output];
  if (node?.op === 'linear') return node.params;
  throw expected(
    'ERR_CONFIG',
    `a network that ends in a linear layer, for other classes than ${name} has,`,
    'model',
    name,
  );
}

/** What a checkpoint of the network gives to the adapted one. */
export function loadReport({ graph, fresh }: Adapted): LoadReport {
  const paths = [...graph.params, ...graph.buffers].map(({ path }) => path);
  return { matched: paths.filter((path) => !fresh.has(path)), fresh: [...fresh] };
}
