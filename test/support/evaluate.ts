/** Evaluates a graph on one number: every node is a scalar. Enough for schemes, which are `lin` and evaluations of f. */
import type { Graph } from '../../src/graph/graph.ts';
import type { CoefSpec } from '../../src/graph/spec.ts';

export interface Evaluation {
  readonly x: number;
  /** Value of a learned parameter. */
  readonly param?: (path: string) => number;
  /** What `relu` computes: lets a smooth f stand where the graph has a relu. */
  readonly relu?: (u: number) => number;
}

/** Value of the graph's output. */
export function evaluate(
  graph: Graph,
  { x, param = missing, relu = (u) => Math.max(u, 0) }: Evaluation,
): number {
  const coefs = coefValues(graph, param);
  const values: number[] = [];
  for (const { op, inputs, coefs: places } of graph.nodes) {
    const args = inputs.map((i) => values[i] ?? Number.NaN);
    if (op === 'input') values.push(x);
    else if (op === 'relu') values.push(relu(args[0] ?? Number.NaN));
    else if (op === 'lin')
      values.push(args.map((u, i) => u * (coefs[places[i] ?? -1] ?? Number.NaN)).reduce((a, b) => a + b));
    else throw new Error(`the scalar evaluator knows no ${op}`);
  }
  return values[graph.output] ?? Number.NaN;
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
