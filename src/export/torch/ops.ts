/**
 * What every primitive operation is in PyTorch, in evaluation: batch norm by its running statistics, noise at
 * its expectation.
 */
import type { Graph } from '../../graph/graph.ts';
import type { OpName } from '../../graph/ops.ts';
import type { NodeSpec } from '../../graph/spec.ts';
import { must } from '../../must.ts';
import { expectedWeight } from '../expectation.ts';
import { tuple } from './python.ts';

/** What expressions are made of. */
export interface Terms {
  readonly graph: Graph;
  /** A parameter, by its index. */
  readonly param: (i: number) => string;
  /** A running statistic, by its index. */
  readonly buffer: (i: number) => string;
  /** A coefficient of `lin`, by its index: a number, or the name of a tensor. */
  readonly coefficient: (i: number) => number | string;
}

/**
 * The value of a node as a Python expression.
 *
 * @param inputs names of the values it reads.
 * @returns the name of its input where nothing happens; null for statistics, which those who apply them read.
 */
type Row = (terms: Terms, node: NodeSpec, inputs: readonly string[]) => string | null;

/** Every primitive operation by name. */
export const torchOps: Readonly<Record<OpName, Row>> = {
  input: () => 'images',
  conv2d: ({ param }, { params, attrs }, [u]) => {
    const settings = [
      ...unless('stride', pair(attrs.stride), '(1, 1)'),
      ...unless('padding', pair(attrs.padding), '(0, 0)'),
      ...unless('groups', String(attrs.groups), '1'),
    ];
    return `F.conv2d(${[u, ...params.map(param), ...settings].join(', ')})`;
  },
  batchNormStats: () => null,
  batchNormApply: ({ graph, param, buffer }, { params, inputs }, [u]) => {
    const stats = must(graph.nodes[must(inputs[1])]);
    const [weight = 'None', bias = 'None'] = params.map(param);
    const running = stats.buffers.map(buffer).join(', ');
    return `F.batch_norm(${u}, ${running}, ${weight}, ${bias}, eps=${stats.attrs.eps})`;
  },
  relu: (_terms, _node, [u]) => `F.relu(${u})`,
  lin: ({ coefficient }, { coefs }, inputs) =>
    combined(inputs.map((u, i) => [coefficient(must(coefs[i])), u])),
  avgPool2d: (_terms, { attrs }, [u]) => `F.avg_pool2d(${u}, ${window(attrs)})`,
  maxPool2d: (_terms, { attrs }, [u]) => `F.max_pool2d(${u}, ${window(attrs)})`,
  globalAvgPool: (_terms, _node, [u]) => `${u}.mean((2, 3))`,
  linear: ({ param }, { params }, [u]) => `F.linear(${[u, ...params.map(param)].join(', ')})`,
  concat: (_terms, _node, inputs) => `torch.cat([${inputs.join(', ')}], 1)`,
  slice: (_terms, { attrs }, [u]) => `${u}[:, ${attrs.start}:${attrs.end}]`,
  padChannels: (_terms, { attrs }, [u]) => `F.pad(${u}, (0, 0, 0, 0, ${attrs.before}, ${attrs.after}))`,
  shift: (_terms, { attrs }, [u]) => {
    const [h = 0, w = 0] = attrs.by as readonly number[];
    return `F.pad(${u}, ${tuple([w, -w, h, -h])})`;
  },
  mix: (_terms, node, inputs) => combined(inputs.map((u) => [expectedWeight(node), u])),
  dropout: (_terms, _node, [u]) => must(u),
  gaussianNoise: (_terms, _node, [u]) => must(u),
};

/** c_0 u_0 + c_1 u_1 + …, from left to right. */
function combined(terms: readonly (readonly [number | string, string])[]): string {
  return terms.map(([c, u]) => (c === 1 ? u : `${c} * ${u}`)).join(' + ');
}

/** `name=value`, where it is not what PyTorch takes anyway. */
function unless(name: string, value: string, usual: string): string[] {
  return value === usual ? [] : [`${name}=${value}`];
}

function window({ kernel, stride, padding }: NodeSpec['attrs']): string {
  return `${pair(kernel)}, ${pair(stride)}, ${pair(padding)}`;
}

function pair(value: unknown): string {
  return tuple(value as readonly number[]);
}
