/** The rules a graph from outside must keep before anything trusts its indices. */
import { expected, LmError } from '../errors.ts';
import { must } from '../must.ts';
import { checkBounds } from './bounds.ts';
import { inferAll } from './infer.ts';
import { opRow } from './ops.ts';
import { parseStructure } from './schema.ts';
import { elements } from './shapes.ts';
import { type CoefSpec, type GraphSpec, graphVersion, type InverseRecord, type StepRecord } from './spec.ts';

/**
 * A copy of foreign data that is a graph.
 *
 * @throws ERR_CHECKPOINT for a newer format; ERR_GRAPH for anything else that is wrong.
 */
export function validate(value: unknown): GraphSpec {
  checkVersion(value);
  const spec = parseStructure(value);
  checkTables(spec);
  checkNodes(spec);
  checkShapes(spec);
  checkUse(spec);
  for (const [i, step] of spec.steps.entries()) checkStep(spec, step, `steps[${i}]`);
  return spec;
}

function checkVersion(value: unknown): void {
  const version: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'version') : undefined;
  if (typeof version === 'number' && version > graphVersion)
    throw expected('ERR_CHECKPOINT', `a graph of format ${graphVersion} or older`, 'graph.version', version, {
      hint: 'It was written by a newer lm-resnet. Update: npm install lm-resnet@latest.',
    });
}

function checkTables({ input, params, buffers, coefs }: GraphSpec): void {
  for (const name of ['mean', 'std'] as const)
    if (input[name].length !== input.channels)
      throw expected('ERR_GRAPH', `${input.channels} values, one per channel`, `input.${name}`, input[name]);
  const paths = new Set<string>();
  for (const { path, shape } of [...params, ...buffers]) {
    if (paths.has(path)) throw expected('ERR_GRAPH', 'a path of its own', 'path', path);
    if (!Number.isSafeInteger(elements(shape))) throw expected('ERR_GRAPH', 'a size that fits', path, shape);
    paths.add(path);
  }
  for (const [i, coef] of coefs.entries()) checkCoef(coef, i, params.length);
}

function checkCoef(coef: CoefSpec, i: number, params: number): void {
  if (coef.kind === 'constant') return;
  if (coef.kind === 'param') inRange([coef.param], params, `coefs[${i}].param`);
  else inRange(coef.of, i, `coefs[${i}].of`);
}

function checkNodes({ nodes, params, buffers, coefs, output }: GraphSpec): void {
  for (const [i, node] of nodes.entries()) {
    const name = `nodes[${i}]`;
    opRow(node.op);
    if ((node.op === 'input') !== (i === 0))
      throw expected('ERR_GRAPH', 'one input, the first node', `${name}.op`, node.op);
    inRange(node.inputs, i, `${name}.inputs`);
    inRange(node.params, params.length, `${name}.params`);
    inRange(node.buffers, buffers.length, `${name}.buffers`);
    inRange(node.coefs, coefs.length, `${name}.coefs`);
  }
  inRange([output], nodes.length, 'output');
  if (nodes[output]?.op === 'batchNormStats')
    throw expected('ERR_GRAPH', 'feature maps or vectors', 'output', 'batchNormStats');
}

function inRange(indices: readonly number[], end: number, name: string): void {
  const wrong = indices.find((i) => i >= end);
  if (wrong !== undefined) throw expected('ERR_GRAPH', `an index below ${end}`, name, wrong);
}

function checkShapes(spec: GraphSpec): void {
  const { channels, height, width } = spec.input;
  try {
    checkBounds(spec);
    inferAll(spec, [1, channels, height, width]);
  } catch (error) {
    if (error instanceof LmError && error.code === 'ERR_SHAPE')
      throw new LmError('ERR_GRAPH', error.message, { cause: error });
    throw error;
  }
}

/** Nothing in the tables is dead: every parameter gets a gradient. */
function checkUse({ nodes, params, buffers, coefs, output, steps }: GraphSpec): void {
  const live = new Set([output]);
  const usedCoefs = new Set<number>();
  const usedParams = new Set<number>();
  const usedBuffers = new Set<number>();
  for (let i = output; i >= 0; i--) {
    if (!live.has(i)) continue;
    const node = must(nodes[i]);
    for (const input of node.inputs) live.add(input);
    for (const coef of node.coefs) usedCoefs.add(coef);
    for (const param of node.params) usedParams.add(param);
    for (const buffer of node.buffers) usedBuffers.add(buffer);
  }
  for (const inverse of steps.flatMap((step) => step.inverse?.nodes ?? []))
    for (const coef of inverse.coefs) usedCoefs.add(coef);
  for (let i = coefs.length - 1; i >= 0; i--) {
    const coef = usedCoefs.has(i) ? coefs[i] : undefined;
    if (coef?.kind === 'param') usedParams.add(coef.param);
    else if (coef !== undefined && coef.kind !== 'constant') for (const part of coef.of) usedCoefs.add(part);
  }
  allUsed('nodes', live, nodes.length);
  allUsed('coefs', usedCoefs, coefs.length);
  allUsed('params', usedParams, params.length);
  allUsed('buffers', usedBuffers, buffers.length);
}

function allUsed(table: string, used: ReadonlySet<number>, count: number): void {
  if (used.size === count) return;
  const dead = Array.from({ length: count }, (_, i) => i).find((i) => !used.has(i));
  throw expected('ERR_GRAPH', 'only what the output needs', table, `an unused one at ${dead}`);
}

function checkStep(spec: GraphSpec, step: StepRecord, name: string): void {
  const { nodes, params } = spec;
  inRange([...step.before, ...step.after], nodes.length, `${name}.before and after`);
  inRange(
    step.fields.flatMap(({ input, output }) => [input, output]),
    nodes.length,
    `${name}.fields`,
  );
  inRange(step.params, params.length, `${name}.params`);
  if (step.n >= step.N) throw expected('ERR_GRAPH', `a step below ${step.N}`, `${name}.n`, step.n);
  for (const side of ['before', 'after'] as const)
    if (step[side].length === 0) throw expected('ERR_GRAPH', 'a state', `${name}.${side}`, step[side]);
  if (step.inverse !== undefined) checkInverse(spec, step, step.inverse, `${name}.inverse`);
}

function checkInverse(spec: GraphSpec, step: StepRecord, inverse: InverseRecord, name: string): void {
  const operands = (list: readonly number[], known: number, place: string): void => {
    inRange(
      list.filter((i) => i >= 0),
      spec.nodes.length,
      place,
    );
    inRange(
      list.filter((i) => i < 0).map((i) => -1 - i),
      known,
      place,
    );
  };
  for (const [i, node] of inverse.nodes.entries()) {
    opRow(node.op);
    operands(node.inputs, i, `${name}.nodes[${i}].inputs`);
    inRange(node.params, spec.params.length, `${name}.nodes[${i}].params`);
    inRange(node.buffers, spec.buffers.length, `${name}.nodes[${i}].buffers`);
    inRange(node.coefs, spec.coefs.length, `${name}.nodes[${i}].coefs`);
  }
  operands(inverse.before, inverse.nodes.length, `${name}.before`);
  if (inverse.before.length !== step.before.length)
    throw expected('ERR_GRAPH', `${step.before.length} states`, `${name}.before`, inverse.before);
}
