/** The forward pass of a network as lines of Python. */
import type { Graph } from '../../graph/graph.ts';
import type { OpName } from '../../graph/ops.ts';
import type { CoefSpec } from '../../graph/spec.ts';
import { must } from '../../must.ts';
import { checkNumbers } from '../exported.ts';
import { type Terms, torchOps } from './ops.ts';

/** `name = expression` for a value that comes to be at a place. */
interface Statement {
  readonly path: string;
  /** Of the value; undefined for a coefficient, which has a name of its own. */
  readonly id?: number;
  readonly text: string;
}

/** Where the value of a node is meant, until it has a variable; nothing else that is written has an @. */
const token = (id: number): string => `@${id}@`;
const tokens = /@(\d+)@/g;

/**
 * The body of `forward(self, images)`, without indentation. Variables are used again once nobody reads them,
 * so that no more is held than PyTorch needs.
 *
 * @param names of parameters and buffers, by path.
 */
export function forwardLines(graph: Graph, names: ReadonlyMap<string, string>): string[] {
  const { statements, result } = statementsOf(graph, names);
  const named = withVariables(statements, result);
  const steps = new Set(graph.steps.map(({ path }) => path));
  const lines: string[] = [];
  let place = '';
  for (const { path, text } of named.statements) {
    const next = placeOf(path, steps);
    if (next !== place && next !== '') lines.push(`# ${next.replaceAll(/[^\w.]/g, '_')}`);
    place = next;
    lines.push(text);
  }
  return [...lines, `return ${named.result}`];
}

/** The step that a path lies in, or its first part: `stem`. */
function placeOf(path: string, steps: ReadonlySet<string>): string {
  const parts = path.split('.');
  const places = parts.map((_, i) => parts.slice(0, i + 1).join('.'));
  return places.find((place) => steps.has(place)) ?? must(places[0]);
}

function statementsOf(
  graph: Graph,
  names: ReadonlyMap<string, string>,
): { readonly statements: Statement[]; readonly result: string } {
  const statements: Statement[] = [];
  const attribute = ({ path }: { readonly path: string }): string => `self.${must(names.get(path))}`;
  let path = '';
  const coefficient = coefficientsIn(
    graph,
    (i) => attribute(must(graph.params[i])),
    (text) => statements.push({ path, text }),
  );
  const terms: Terms = {
    graph,
    coefficient,
    param: (i) => attribute(must(graph.params[i])),
    buffer: (i) => attribute(must(graph.buffers[i])),
  };
  const values: string[] = [];
  for (const [id, node] of graph.nodes.entries()) {
    path = node.path;
    const inputs = node.inputs.map((i) => must(values[i]));
    const text = torchOps[node.op as OpName](terms, node, inputs);
    const isNew = text !== null && text !== 'images' && text !== inputs[0];
    if (isNew) statements.push({ path, id, text });
    values.push(isNew ? token(id) : (text ?? ''));
  }
  return { statements, result: must(values[graph.output]) };
}

/**
 * Coefficients as numbers, where they are of numbers alone, or as the names of tensors, whose lines are
 * written when they are first read.
 */
function coefficientsIn(
  { coefs }: Graph,
  param: (i: number) => string,
  write: (text: string) => void,
): Terms['coefficient'] {
  const known = new Map<number, number | string>();
  const expression = (coef: CoefSpec): number | string => {
    if (coef.kind === 'constant') return coef.value;
    if (coef.kind === 'param') return param(coef.param);
    const [a = 0, b = 0] = coef.of.map(value);
    switch (coef.kind) {
      case 'sum':
        return typeof a === 'number' && typeof b === 'number' ? a + b : `${a} + ${b}`;
      case 'product':
        return typeof a === 'number' && typeof b === 'number' ? a * b : `${a} * ${b}`;
      case 'reciprocal':
        return typeof a === 'number' ? 1 / a : `1 / ${a}`;
      case 'tanh':
        return typeof a === 'number' ? Math.tanh(a) : `torch.tanh(${a})`;
    }
  };
  const value = (i: number): number | string => {
    const found = known.get(i);
    if (found !== undefined) return found;
    const coef = must(coefs[i]);
    const text = expression(coef);
    if (typeof text === 'number') checkNumbers(`coefs[${i}]`, Float64Array.of(text));
    const name = typeof text === 'string' && coef.kind !== 'param' ? `c${i}` : text;
    if (name !== text) write(`${name} = ${text}`);
    known.set(i, name);
    return name;
  };
  return value;
}

/** The values that a text reads. */
const idsIn = (text: string): string[] => [...text.matchAll(tokens)].map(([, id = '']) => id);

/** The last of the texts that reads a value, by value. */
function lastUses(texts: readonly string[]): ReadonlyMap<string, number> {
  return new Map(texts.flatMap((text, at) => idsIn(text).map((id) => [id, at] as const)));
}

/** Gives every value a variable, one that is free where there is one. */
function withVariables(
  statements: readonly Statement[],
  result: string,
): { readonly statements: readonly Statement[]; readonly result: string } {
  const lastUse = lastUses([...statements.map(({ text }) => text), result]);
  const variables = new Map<string, string>();
  const free: string[] = [];
  let made = 0;
  const named = (text: string): string => text.replaceAll(tokens, (_, id: string) => must(variables.get(id)));
  const lines = statements.map(({ path, id, text }, at) => {
    const right = named(text);
    for (const used of new Set(idsIn(text)))
      if (lastUse.get(used) === at) free.push(must(variables.get(used)));
    if (id === undefined) return { path, text: right };
    const variable = free.pop() ?? `u${made++}`;
    variables.set(String(id), variable);
    return { path, text: `${variable} = ${right}` };
  });
  return { statements: lines, result: named(result) };
}
