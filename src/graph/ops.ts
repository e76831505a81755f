/**
 * The primitive operations: one row each, with its shape rule. The native side has one row of the same name
 * with forward and backward; a test compares the two. Nothing else about an operation is written down
 * anywhere.
 */
import { didYouMean, expected } from '../errors.ts';
import { must } from '../must.ts';
import * as rules from './rules.ts';
import { elements, isSize, maps, nth, type OpCall, one } from './shapes.ts';
import type { Shape } from './spec.ts';

/** What an attribute must be. */
interface AttrRule {
  readonly what: string;
  readonly ok: (value: unknown) => boolean;
}

/** One primitive operation. */
export interface OpRow {
  /** Least and greatest number of inputs, parameters and buffers. */
  readonly inputs: readonly [number, number];
  readonly params: readonly [number, number];
  readonly buffers: number;
  /** As many coefficients as inputs instead of none. */
  readonly weighted?: true;
  readonly attrs: Readonly<Record<string, AttrRule>>;
  /** Shape of the result. */
  readonly shape: (call: OpCall) => Shape;
  /** Multiplications with weights, from the shape of the result. */
  readonly macs?: (call: OpCall, output: Shape) => number;
}

const isPair = (value: unknown, least: number): boolean =>
  Array.isArray(value) && value.length === 2 && value.every((size) => isSize(size, least));
const atLeast = (least: number): AttrRule => ({
  what: `an integer >= ${least}`,
  ok: (value) => isSize(value, least),
});
const pairFrom = (least: number): AttrRule => ({
  what: `a pair [h, w] of integers >= ${least}`,
  ok: (value) => isPair(value, least),
});
const pairOfAny: AttrRule = {
  what: 'a pair [h, w] of integers',
  ok: (value) => Array.isArray(value) && value.length === 2 && value.every((by) => isSize(Math.abs(by), 0)),
};
const real = (what: string, low: number, high: number): AttrRule => ({
  what,
  ok: (value) => typeof value === 'number' && value >= low && value <= high,
});

const text = (...known: readonly string[]): AttrRule => ({
  what: `one of ${known.join(', ')}`,
  ok: (value) => typeof value === 'string' && known.includes(value),
});
/** Nodes of one group share what they draw. */
const group: AttrRule = { what: 'the name of a group', ok: (value) => typeof value === 'string' };
const columns: AttrRule = {
  what: 'integers >= 0',
  ok: (value) => Array.isArray(value) && value.every((column) => isSize(column, 0)),
};

const none: readonly [0, 0] = [0, 0];
const single: readonly [1, 1] = [1, 1];
const pooling = { kernel: pairFrom(1), stride: pairFrom(1), padding: pairFrom(0) };
const plain = { params: none, buffers: 0, attrs: {} };

/** Name of a primitive operation. */
export type OpName =
  | 'input'
  | 'conv2d'
  | 'batchNormStats'
  | 'batchNormApply'
  | 'relu'
  | 'lin'
  | 'avgPool2d'
  | 'maxPool2d'
  | 'globalAvgPool'
  | 'linear'
  | 'concat'
  | 'slice'
  | 'padChannels'
  | 'shift'
  | 'mix'
  | 'dropout'
  | 'gaussianNoise';

/** Every primitive operation by name. */
export const ops: Readonly<Record<OpName, OpRow>> = {
  input: { ...plain, inputs: none, shape: (call) => call.image },
  conv2d: {
    inputs: single,
    params: [1, 2],
    buffers: 0,
    attrs: { stride: pairFrom(1), padding: pairFrom(0), groups: atLeast(1) },
    shape: rules.conv2dShape,
    macs: (call, output) => elements(output) * elements(nth(call.params, 0).slice(1)),
  },
  batchNormStats: {
    inputs: single,
    params: none,
    buffers: 2,
    attrs: { eps: real('a number > 0', Number.MIN_VALUE, 1), momentum: real('a number in [0, 1]', 0, 1) },
    shape: rules.batchNormStatsShape,
  },
  batchNormApply: { ...plain, inputs: [2, 2], params: [0, 2], shape: rules.batchNormApplyShape },
  relu: { ...plain, inputs: single, shape: (call) => nth(call.inputs, 0) },
  lin: { ...plain, inputs: [1, Number.POSITIVE_INFINITY], weighted: true, shape: rules.linShape },
  avgPool2d: { ...plain, inputs: single, attrs: pooling, shape: rules.poolShape },
  maxPool2d: { ...plain, inputs: single, attrs: pooling, shape: rules.poolShape },
  globalAvgPool: { ...plain, inputs: single, shape: (call) => maps(call).slice(0, 2) },
  linear: {
    ...plain,
    inputs: single,
    params: [1, 2],
    shape: rules.linearShape,
    macs: (call) => elements(nth(call.params, 0)) * must(nth(call.inputs, 0)[0]),
  },
  concat: { ...plain, inputs: [1, Number.POSITIVE_INFINITY], shape: rules.concatShape },
  slice: { ...plain, inputs: single, attrs: { start: atLeast(0), end: atLeast(1) }, shape: rules.sliceShape },
  padChannels: {
    ...plain,
    inputs: single,
    attrs: { before: atLeast(0), after: atLeast(0) },
    shape: (call) =>
      rules.withChannels(call, rules.channels(call, 0) + one(call, 'before') + one(call, 'after')),
  },
  shift: { ...plain, inputs: single, attrs: { by: pairOfAny }, shape: rules.shiftShape },
  mix: {
    ...plain,
    inputs: [1, Number.POSITIVE_INFINITY],
    attrs: {
      law: text('bernoulli', 'shake', 'dropPath'),
      group,
      per: text('batch', 'sample'),
      keep: real('a number in [0, 1]', 0, 1),
      scale: text('train', 'test'),
      backward: text('same', 'uniform', 'even'),
      global: real('a number in [0, 1]', 0, 1),
      columns,
    },
    shape: rules.mixShape,
  },
  dropout: {
    ...plain,
    inputs: single,
    attrs: { p: real('a number in [0, 1)', 0, 1 - 2 ** -24), group },
    shape: (call) => nth(call.inputs, 0),
  },
  gaussianNoise: {
    ...plain,
    inputs: single,
    attrs: { std: real('a number >= 0', 0, 1e6), group },
    shape: (call) => nth(call.inputs, 0),
  },
};

/**
 * Row of an operation by its name.
 *
 * @throws ERR_GRAPH with the nearest name.
 */
export function opRow(name: string): OpRow {
  if (Object.hasOwn(ops, name)) return ops[name as OpName];
  throw expected('ERR_GRAPH', 'a known operation', 'op', name, { hint: didYouMean(name, Object.keys(ops)) });
}

/**
 * Shape of what an operation yields, after checking all that it reads.
 *
 * @throws ERR_GRAPH for a wrong number of inputs, parameters, buffers or coefficients, or a wrong attribute;
 * ERR_SHAPE, with the node's path and both shapes, when shapes do not fit.
 */
export function inferShape(call: OpCall): Shape {
  const row = opRow(call.op);
  checkCount(call, 'inputs', row.inputs);
  checkCount(call, 'params', row.params);
  checkCount(call, 'buffers', [row.buffers, row.buffers]);
  const weights = row.weighted ? call.inputs.length : 0;
  checkCount(call, 'coefs', [weights, weights]);
  checkAttrs(call, row.attrs);
  checkStatistics(call);
  return row.shape(call);
}

function checkCount(
  call: OpCall,
  table: 'inputs' | 'params' | 'buffers' | 'coefs',
  [least, most]: readonly [number, number],
): void {
  const count = call[table].length;
  if (count >= least && count <= most) return;
  const wanted = least === most ? `${least}` : `${least} to ${most}`;
  throw expected('ERR_GRAPH', `${wanted} ${table}`, `${call.path} (${call.op})`, count);
}

/** Statistics are not feature maps: `batchNormApply` alone reads them, as its second input. */
function checkStatistics(call: OpCall): void {
  call.sources.forEach((source, i) => {
    const wanted = call.op === 'batchNormApply' && i === 1;
    if (wanted === (source === 'batchNormStats')) return;
    const what = wanted ? 'statistics from batchNormStats' : 'a tensor that is no batch-norm statistics';
    throw expected('ERR_GRAPH', what, `${call.path} (${call.op})`, source);
  });
}

function checkAttrs(call: OpCall, rules: OpRow['attrs']): void {
  for (const [name, rule] of Object.entries(rules)) {
    const value = Object.hasOwn(call.attrs, name) ? call.attrs[name] : undefined;
    if (!rule.ok(value)) throw expected('ERR_GRAPH', rule.what, `${call.path} (${call.op}).${name}`, value);
  }
  for (const name of Object.keys(call.attrs)) {
    if (Object.hasOwn(rules, name)) continue;
    throw expected('ERR_GRAPH', 'no such attribute', `${call.path} (${call.op}).${name}`, call.attrs[name]);
  }
}
