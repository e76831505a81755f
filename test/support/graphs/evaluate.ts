/**
 * Evaluates a graph on one pixel: every node is one number per channel. Enough for schemes and noise;
 * mixtures take their expectation.
 */
import type { Graph } from '../../../src/graph/graph.ts';
import type { CoefSpec, NodeSpec, StepRecord } from '../../../src/graph/spec.ts';

export interface Evaluation {
  /** Value of every channel of the input. */
  readonly x: number;
  /** Value of a learned parameter, in all channels. */
  readonly param?: (path: string) => number;
  /** What `relu` computes: lets a smooth f stand where the graph has a relu. */
  readonly relu?: (u: number) => number;
}

/** One number per channel. */
export type Pixel = readonly number[];

/** Value of the graph's output, its first channel. */
export function evaluate(graph: Graph, given: Evaluation): number {
  return evaluateAll(graph, given)[graph.output]?.[0] ?? Number.NaN;
}

/** Value of every node. */
export function evaluateAll(graph: Graph, given: Evaluation): Pixel[] {
  const run = runner(graph, given);
  const values: Pixel[] = [];
  for (const node of graph.nodes)
    values.push(
      run(
        node,
        node.inputs.map((i) => values[i] ?? []),
      ),
    );
  return values;
}

/** The states before a step as its inverse finds them, from values of the graph's nodes. */
export function evaluateInverse(
  graph: Graph,
  given: Evaluation,
  { inverse }: StepRecord,
  values: readonly Pixel[],
): Pixel[] {
  const run = runner(graph, given);
  const own: Pixel[] = [];
  const at = (i: number): Pixel => (i < 0 ? own[-1 - i] : values[i]) ?? [];
  for (const node of inverse?.nodes ?? []) own.push(run(node, node.inputs.map(at)));
  return (inverse?.before ?? []).map(at);
}

/** How one node is computed from its inputs. */
function runner(graph: Graph, given: Evaluation): (node: NodeSpec, inputs: readonly Pixel[]) => Pixel {
  const { x, param = missing, relu = (u) => Math.max(u, 0) } = given;
  const coefs = coefValues(graph, param);
  return ({ op, coefs: places, attrs }, inputs) => {
    const [u = []] = inputs;
    if (op === 'input') return Array.from({ length: graph.input.channels }, () => x);
    if (op === 'relu') return u.map(relu);
    if (op === 'dropout' || op === 'gaussianNoise') return u;
    if (op === 'concat') return inputs.flat();
    if (op === 'slice') return u.slice(Number(attrs.start), Number(attrs.end));
    if (op === 'lin')
      return sum(
        inputs,
        places.map((i) => coefs[i] ?? Number.NaN),
      );
    if (op === 'mix')
      return sum(
        inputs,
        inputs.map(() => expectedWeight(attrs, inputs.length)),
      );
    throw new Error(`the evaluator of one pixel knows no ${op}`);
  };
}

/** Expected weight of a branch among so many. */
function expectedWeight({ law, scale, keep }: NodeSpec['attrs'], branches: number): number {
  if (law !== 'bernoulli') return 1 / branches;
  return scale === 'test' ? Number(keep) : 1;
}

function sum(terms: readonly Pixel[], weights: readonly number[]): Pixel {
  const weighed = terms.map((term, i) => term.map((u) => u * (weights[i] ?? Number.NaN)));
  return weighed.reduce((a, b) => a.map((u, c) => u + (b[c] ?? Number.NaN)));
}

function coefValues(graph: Graph, param: (path: string) => number): number[] {
  const values: number[] = [];
  const at = (i: number): number => values[i] ?? Number.NaN;
  const rule = (coef: CoefSpec): number => {
    switch (coef.kind) {
      case 'constant':
        return coef.value;
      case 'param':
        return param(graph.params[coef.param]?.path ?? '');
      case 'sum':
        return at(coef.of[0]) + at(coef.of[1]);
      case 'product':
        return at(coef.of[0]) * at(coef.of[1]);
      case 'reciprocal':
        return 1 / at(coef.of[0]);
      case 'tanh':
        return Math.tanh(at(coef.of[0]));
    }
  };
  for (const coef of graph.coefs) values.push(rule(coef));
  return values;
}

function missing(path: string): number {
  throw new Error(`no value for ${path}`);
}
