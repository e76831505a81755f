import { expected, LmError } from '../errors.ts';
import { must } from '../must.ts';
import { compile } from './compile.ts';
import { inferAll } from './infer.ts';
import type { Node } from './node.ts';
import { type Scope, scopeOf } from './scope.ts';
import { isSize } from './shapes.ts';
import type { BufferSpec, CoefSpec, GraphSpec, InputSpec, NodeSpec, ParamSpec, StepRecord } from './spec.ts';
import { emit, newTrace, withPath } from './tracing.ts';
import { validate } from './validate.ts';

/**
 * A network as frozen plain data: nodes, parameters, buffers, coefficients and the steps it was traced in.
 * Made by `trace` (or `network`, `preset`) and by `Graph.fromSpec`; needs neither the functions that made it
 * nor libtorch.
 */
export class Graph {
  readonly version: number;
  readonly name: string;
  readonly input: InputSpec;
  readonly nodes: readonly NodeSpec[];
  readonly params: readonly ParamSpec[];
  readonly buffers: readonly BufferSpec[];
  readonly coefs: readonly CoefSpec[];
  readonly steps: readonly StepRecord[];
  /** Node id of the result. */
  readonly output: number;
  /** Features (or channels) of the result: the number of classes of a classifier. */
  readonly classes: number;

  private constructor(spec: GraphSpec) {
    this.version = spec.version;
    this.name = spec.name;
    this.input = spec.input;
    this.nodes = spec.nodes;
    this.params = spec.params;
    this.buffers = spec.buffers;
    this.coefs = spec.coefs;
    this.steps = spec.steps;
    this.output = spec.output;
    this.classes = must(must(this.shapes()[spec.output])[1]);
    deepFreeze(this);
  }

  /**
   * The graph that `toSpec` described; the data is copied and checked.
   *
   * @throws ERR_CHECKPOINT when a newer version of this package wrote it; ERR_GRAPH for anything else that is
   *   wrong.
   */
  static fromSpec(spec: unknown): Graph {
    return new Graph(validate(spec));
  }

  /**
   * The graph as plain data, ready for JSON, a checkpoint, or the native side; frozen and shared with the
   * graph.
   */
  toSpec(): GraphSpec {
    const { version, name, input, nodes, params, buffers, coefs, steps, output } = this;
    return { version, name, input, nodes, params, buffers, coefs, steps, output };
  }

  /**
   * Shape of every node for n images of height x width; defaults: one image of the nominal size.
   *
   * @throws ERR_SHAPE for sizes that are no positive integers or that an operation cannot take.
   */
  shapes(n = 1, height: number = this.input.height, width: number = this.input.width): number[][] {
    const sizes = [n, this.input.channels, height, width];
    if (!sizes.every((size) => isSize(size, 1)))
      throw expected('ERR_SHAPE', 'positive integers n, height, width', 'shapes', [n, height, width]);
    return inferAll(this, sizes).map(({ shape }) => [...shape]);
  }

  /**
   * Checks that every operation can take n images of height x width; at once for those of the last time.
   *
   * @throws ERR_SHAPE as `shapes`.
   * @internal
   */
  checkSize(n: number, height: number, width: number): void {
    const size = `${n} ${height} ${width}`;
    if (checked.get(this) === size) return;
    this.shapes(n, height, width);
    checked.set(this, size);
  }
}

/** The size that a graph was last found to take. */
const checked = new WeakMap<Graph, string>();

/**
 * Runs a network's function once and keeps what it did as a graph.
 * The function sees shapes, never numbers. Parameters and nodes that its result does not need are left out.
 *
 * @throws ERR_CONFIG for a wrong input; ERR_SHAPE, ERR_GRAPH, ERR_NAME_TAKEN from what the function does.
 * @example
 * const graph = trace('tiny', { channels: 1, height: 8, width: 8, mean: [0.5], std: [0.25] }, (s, x) =>
 *   linear(globalAvgPool(x), s.at('fc').param('weight', [10, 1], normal(0.1), { kind: 'weight' })));
 */
export function trace(name: string, input: InputSpec, network: (s: Scope, x: Node) => Node): Graph {
  if (typeof name !== 'string' || name === '') throw expected('ERR_CONFIG', 'a name', 'trace.name', name);
  checkInput(input);
  const record = newTrace([1, input.channels, input.height, input.width]);
  const x = withPath(record, 'input', () => emit(record, 'input', {}));
  const output = network(scopeOf(record, '', 0), x);
  if (output?.trace !== record)
    throw new LmError('ERR_GRAPH', `Expected a node of this trace as the result of "${name}"`, {
      hint: 'The function returns the node of the logits: return head(u).',
    });
  record.open = false;
  return Graph.fromSpec(compile(record, name, input, output));
}

function checkInput({ channels, height, width, mean, std }: InputSpec): void {
  for (const [name, value] of Object.entries({ channels, height, width }))
    if (!isSize(value, 1)) throw expected('ERR_CONFIG', 'a positive integer', `input.${name}`, value);
  if (mean.length !== channels || !mean.every(Number.isFinite))
    throw expected('ERR_CONFIG', `${channels} finite numbers`, 'input.mean', mean);
  if (std.length !== channels || !std.every((s) => Number.isFinite(s) && s > 0))
    throw expected('ERR_CONFIG', `${channels} positive numbers`, 'input.std', std);
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}
