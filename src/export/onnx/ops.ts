/**
 * What every primitive operation is in ONNX, in evaluation: batch norm by its running statistics, noise at
 * its expectation.
 */
import type { OpName } from '../../graph/ops.ts';
import type { NodeSpec } from '../../graph/spec.ts';
import { must } from '../../must.ts';
import { expectedWeight } from '../expectation.ts';
import { coefficient, type Draft, emit, ends, filled, integers, number, weight } from './draft.ts';
import { float, int, ints, type OnnxAttribute } from './proto.ts';

/**
 * Adds what a node is in ONNX to a graph under way.
 *
 * @param inputs names of the values it reads.
 * @returns the name of its result; that of its input where nothing happens; null for statistics, which those
 *   who apply them read.
 */
type Row = (draft: Draft, node: NodeSpec, inputs: readonly string[]) => string | null;

/** Every primitive operation by name. */
export const onnxOps: Readonly<Record<OpName, Row>> = {
  input: () => ends.input,
  conv2d: (draft, node, [u]) => {
    const { stride, padding, groups } = node.attrs;
    const [, , ...kernel] = must(draft.graph.params[must(node.params[0])]).shape;
    return emit(draft, node.path, 'Conv', [must(u), ...weights(draft, node)], {
      ...window(kernel, stride, padding),
      group: int(Number(groups)),
    });
  },
  batchNormStats: () => null,
  batchNormApply,
  relu: (draft, { path }, [u]) => emit(draft, path, 'Relu', [must(u)]),
  lin: (draft, { path, coefs }, inputs) =>
    combined(
      draft,
      path,
      inputs.map((u, i) => [factor(draft, must(coefs[i])), u]),
    ),
  avgPool2d: (draft, { path, attrs }, [u]) =>
    emit(draft, path, 'AveragePool', [must(u)], { ...pooling(attrs), count_include_pad: int(1) }),
  maxPool2d: (draft, { path, attrs }, [u]) => emit(draft, path, 'MaxPool', [must(u)], pooling(attrs)),
  globalAvgPool: (draft, { path }, [u]) => {
    const means = emit(draft, path, 'GlobalAveragePool', [must(u)]);
    return emit(draft, path, 'Flatten', [means], { axis: int(1) });
  },
  linear: (draft, node, [u]) =>
    emit(draft, node.path, 'Gemm', [must(u), ...weights(draft, node)], { transB: int(1) }),
  concat: (draft, { path }, inputs) => emit(draft, path, 'Concat', inputs, { axis: int(1) }),
  slice: (draft, { path, attrs: { start, end } }, [u]) => {
    const bounds = [start, end, 1].map((at) => integers(draft, Number(at)));
    return emit(draft, path, 'Slice', [must(u), ...bounds]);
  },
  padChannels: (draft, { path, attrs: { before, after } }, [u]) =>
    padded(draft, path, must(u), [0, Number(before), 0, 0, 0, Number(after), 0, 0]),
  shift: (draft, { path, attrs }, [u]) => {
    const [h = 0, w = 0] = attrs.by as readonly number[];
    return padded(draft, path, must(u), [0, 0, h, w, 0, 0, -h, -w]);
  },
  mix: (draft, node, inputs) => {
    const share = expectedWeight(node);
    return combined(
      draft,
      node.path,
      inputs.map((u) => [share === 1 ? null : number(draft, share), u]),
    );
  },
  dropout: (_draft, _node, [u]) => must(u),
  gaussianNoise: (_draft, _node, [u]) => must(u),
};

function batchNormApply(draft: Draft, node: NodeSpec, [u]: readonly string[]): string {
  const { nodes, buffers } = draft.graph;
  const stats = must(nodes[must(node.inputs[1])]);
  const running = stats.buffers.map((i) => must(buffers[i]));
  const channels = must(must(running[0]).shape[0]);
  const affine =
    node.params.length > 0 ? weights(draft, node) : [filled(draft, 1, channels), filled(draft, 0, channels)];
  const statistics = running.map(({ path, shape }) => weight(draft, path, shape));
  return emit(draft, node.path, 'BatchNormalization', [must(u), ...affine, ...statistics], {
    epsilon: float(Number(stats.attrs.eps)),
  });
}

/** A value times this, or null for itself. */
type Factor = string | null;

function factor(draft: Draft, coef: number): Factor {
  const spec = must(draft.graph.coefs[coef]);
  return spec.kind === 'constant' && spec.value === 1 ? null : coefficient(draft, coef);
}

/** c_0 u_0 + c_1 u_1 + …, from left to right. */
function combined(draft: Draft, path: string, terms: readonly (readonly [Factor, string])[]): string {
  const products = terms.map(([c, u]) => (c === null ? u : emit(draft, path, 'Mul', [u, c])));
  return products.reduce((sum, product) => emit(draft, path, 'Add', [sum, product]));
}

/** Zeros around a value, [begin of each axis, end of each]; below 0 it is cut. */
function padded(draft: Draft, path: string, u: string, pads: readonly number[]): string {
  return emit(draft, path, 'Pad', [u, integers(draft, ...pads)]);
}

function weights(draft: Draft, { params }: NodeSpec): string[] {
  return params.map((i) => {
    const { path, shape } = must(draft.graph.params[i]);
    return weight(draft, path, shape);
  });
}

function pooling({ kernel, stride, padding }: NodeSpec['attrs']): Readonly<Record<string, OnnxAttribute>> {
  return window(kernel as readonly number[], stride, padding);
}

function window(
  kernel: readonly number[],
  stride: unknown,
  padding: unknown,
): Readonly<Record<string, OnnxAttribute>> {
  const around = padding as readonly number[];
  return {
    kernel_shape: ints(...kernel),
    strides: ints(...(stride as readonly number[])),
    pads: ints(...around, ...around),
  };
}
