/** From a finished trace to plain data: drops what the output does not need, and numbers the rest. */

import { must } from '../must.ts';
import { checkBounds } from './bounds.ts';
import { coefParams } from './coefficients.ts';
import type { Buffer, Coef, Node, Param, StepDraft, Trace } from './node.ts';
import {
  type BufferSpec,
  type CoefSpec,
  type GraphSpec,
  graphVersion,
  type InputSpec,
  type InverseRecord,
  type NodeSpec,
  type ParamSpec,
  type StepRecord,
} from './spec.ts';

/** Indices of what is kept, by object. */
interface Tables {
  readonly nodes: ReadonlyMap<Node, number>;
  readonly params: ReadonlyMap<Param, number>;
  readonly buffers: ReadonlyMap<Buffer, number>;
}

/** The graph of everything that `output` needs, in the order it was made. */
export function compile(trace: Trace, name: string, input: InputSpec, output: Node): GraphSpec {
  const live = needed(trace, output);
  const reads = new Set(live.flatMap((node) => [...node.params, ...node.coefs.flatMap(coefParams)]));
  const states = new Set(live.flatMap((node) => node.buffers));
  const params = [...trace.params.values()].filter((param) => reads.has(param));
  const buffers = [...trace.buffers.values()].filter((buffer) => states.has(buffer));
  const tables: Tables = { nodes: indexed(live), params: indexed(params), buffers: indexed(buffers) };
  const coefs = coefTable(tables.params);
  const nodes = live.map((node) => nodeSpec(node, tables, node.coefs.map(coefs.place)));
  const steps = trace.steps.flatMap((step) => stepRecord(trace, step, tables, coefs.place));
  const spec = {
    version: graphVersion,
    name,
    input,
    nodes,
    params: params.map(paramSpec),
    buffers: buffers.map(({ path, shape, value }): BufferSpec => ({ path, shape, value })),
    coefs: coefs.rows,
    steps,
    output: nodes.length - 1,
  };
  checkBounds(spec); // so that what is saved can be read
  return spec;
}

/** What a step's inverse needs beyond the graph, in the order it was made. */
function inverseRecord(
  trace: Trace,
  states: readonly Node[],
  tables: Tables,
  place: (coef: Coef) => number,
): InverseRecord {
  const own = new Set<Node>();
  const pending = [...states];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (tables.nodes.has(node) || own.has(node)) continue;
    own.add(node);
    pending.push(...node.inputs);
  }
  const order = trace.nodes.filter((node) => own.has(node));
  const at = (node: Node): number => tables.nodes.get(node) ?? -1 - order.indexOf(node);
  const nodes = order.map((node) => ({
    ...nodeSpec(node, tables, node.coefs.map(place)),
    inputs: node.inputs.map(at),
  }));
  return { nodes, before: states.map(at) };
}

function nodeSpec({ op, path, attrs, ...node }: Node, tables: Tables, coefs: number[]): NodeSpec {
  const inputs = find(node.inputs, tables.nodes);
  const params = find(node.params, tables.params);
  const buffers = find(node.buffers, tables.buffers);
  return { op, path, inputs, params, buffers, coefs, attrs };
}

/**
 * The output and all it is made from. The output is the last: whatever was made later cannot be among its
 * inputs.
 */
function needed(trace: Trace, output: Node): Node[] {
  const live = new Set([output]);
  for (const node of trace.nodes.toReversed())
    if (live.has(node)) for (const source of node.inputs) live.add(source);
  return trace.nodes.filter((node) => live.has(node));
}

function indexed<T>(items: readonly T[]): Map<T, number> {
  return new Map(items.map((item, i) => [item, i]));
}

/** Indices of those that were kept. */
function find<T>(items: readonly T[], places: ReadonlyMap<T, number>): number[] {
  return items.map((item) => places.get(item)).filter((i) => i !== undefined);
}

function paramSpec({ path, shape, init, kind, depth, decay }: Param): ParamSpec {
  return { path, shape, init, kind, depth, ...(decay === undefined ? {} : { decay }) };
}

/** Every distinct coefficient once, parts before the whole. */
function coefTable(params: ReadonlyMap<Param, number>): { rows: CoefSpec[]; place: (coef: Coef) => number } {
  const rows: CoefSpec[] = [];
  const places = new Map<string, number>();
  const known = new Map<Coef, number>(); // an expression may share parts: look at each once
  const at = (coef: Coef): number => must(known.get(coef));
  const rowOf = (coef: Coef): CoefSpec => {
    // no -0: JSON has none
    if (typeof coef === 'number') return { kind: 'constant', value: coef === 0 ? 0 : coef };
    if (!('of' in coef)) return { kind: 'param', param: must(params.get(coef)) };
    return { kind: coef.kind, of: coef.of.map(at) } as unknown as CoefSpec;
  };
  const rowPlace = (row: CoefSpec): number => {
    const key = JSON.stringify(row);
    const found = places.get(key);
    if (found !== undefined) return found;
    places.set(key, rows.length);
    return rows.push(row) - 1;
  };
  const place = (coef: Coef): number => {
    for (const pending = [coef]; pending.length > 0; ) {
      const next = must(pending.at(-1));
      const parts =
        typeof next === 'object' && 'of' in next ? next.of.filter((part) => !known.has(part)) : [];
      if (parts.length > 0) pending.push(...parts.toReversed());
      else {
        known.set(next, known.get(next) ?? rowPlace(rowOf(next)));
        pending.pop();
      }
    }
    return at(coef);
  };
  return { rows, place };
}

/** A step with what the output needs of it; nothing when that is nothing. */
function stepRecord(
  trace: Trace,
  step: StepDraft,
  tables: Tables,
  place: (coef: Coef) => number,
): StepRecord[] {
  const { nodes, params } = tables;
  const { path, scheme, stage, n, N, t, transition } = step;
  const after = find(step.after, nodes);
  if (after.length === 0) return [];
  const fields = step.fields.flatMap((field) => {
    const [input, output] = [nodes.get(field.input), nodes.get(field.output)];
    return input === undefined || output === undefined ? [] : [{ path: field.path, input, output }];
  });
  const before = find(step.before, nodes);
  const record = {
    path,
    scheme,
    stage,
    n,
    N,
    t,
    transition,
    before,
    after,
    fields,
    params: find(step.params, params),
  };
  const whole = before.length === step.before.length && after.length === step.after.length;
  if (step.inverse === undefined || !whole) return [record];
  return [{ ...record, inverse: inverseRecord(trace, step.inverse, tables, place) }];
}
