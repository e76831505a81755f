/** What the boxes of a picture say: the layers of a residual function, or operations in a row. */
import type { GraphSpec, NodeSpec, ParamSpec, StepRecord } from '../graph/spec.ts';
import { must } from '../must.ts';
import { subscript } from './coefLabel.ts';

type Tables = Pick<GraphSpec, 'nodes' | 'params'>;

/** Convolution kernels of an evaluation of f: "3×3 · 3×3". */
export function kernelsOf(graph: Tables, path: string): string {
  const own = graph.nodes.filter((node) => node.path === path || node.path.startsWith(`${path}.`));
  const kernels = own.filter(({ op }) => op === 'conv2d').map((node) => kernelOf(node, graph.params));
  return kernels.length > 3 ? `${kernels.slice(0, 2).join(' · ')} …` : kernels.join(' · ');
}

function kernelOf({ params, attrs }: NodeSpec, all: readonly ParamSpec[]): string {
  const [, , height, width] = must(all[must(params[0])]).shape;
  return `${height}×${width}${Number(attrs.groups) > 1 ? ` /${attrs.groups}` : ''}`;
}

/** Operations in a row: "bn relu conv 1×1, stride 2". */
export function operations(graph: Tables, ids: readonly number[]): string[] {
  return ids.flatMap((id) => {
    const node = graph.nodes[id];
    return node === undefined ? [] : operation(node, graph.params);
  });
}

function operation(node: NodeSpec, params: readonly ParamSpec[]): string[] {
  const { op, attrs } = node;
  const stride = Array.isArray(attrs.stride) ? Number(attrs.stride[0]) : 1;
  const by = stride > 1 ? `, stride ${stride}` : '';
  switch (op) {
    case 'batchNormStats':
    case 'input':
      return [];
    case 'batchNormApply':
      return ['bn'];
    case 'conv2d':
      return [`conv ${kernelOf(node, params)}${by}`];
    case 'maxPool2d':
    case 'avgPool2d': {
      const kernel = Array.isArray(attrs.kernel) ? attrs.kernel.join('×') : '';
      return [`${op === 'maxPool2d' ? 'max' : 'mean'} ${kernel}${by}`];
    }
    case 'globalAvgPool':
      return ['mean over pixels'];
    case 'padChannels':
      return ['pad channels'];
    default:
      return [op];
  }
}

const letters = ['f', 'g', 'h', 'p', 'q', 'r'];

/** Name of evaluation i of a step: one letter per drawn f, the step as index; an eta for a random one. */
export function fieldName({ nodes }: Tables, step: StepRecord, i: number): string {
  const paths = [...new Set(step.fields.map(({ path }) => path))];
  const { path, output } = must(step.fields[i]);
  const letter = letters[paths.indexOf(path)] ?? 'f';
  const random = must(nodes[output]).op === 'mix';
  return `${random ? 'η ' : ''}${letter}${subscript(step.n)}`;
}
