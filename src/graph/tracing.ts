/**
 * A trace: the growing list of nodes, parameters and steps while a network's function runs. Internal to the
 * package.
 */
import { LmError } from '../errors.ts';
import { must } from '../must.ts';
import { coefParams, coefShape } from './coefficients.ts';
import type { Buffer, Coef, Node, Param, StepDraft, StepInfo, Trace } from './node.ts';
import { inferShape, type OpName } from './ops.ts';
import type { Attrs, Shape } from './spec.ts';

/** An empty trace for one image of shape [1, C, H, W]. */
export function newTrace(image: Shape): Trace {
  return {
    image,
    nodes: [],
    params: new Map(),
    buffers: new Map(),
    steps: [],
    path: '',
    fields: [],
    open: true,
  };
}

/** What an operation reads, beside its name. */
export interface Parts {
  readonly inputs?: readonly Node[];
  readonly params?: readonly Param[];
  readonly buffers?: readonly Buffer[];
  readonly coefs?: readonly Coef[];
  readonly attrs?: Attrs;
}

/**
 * Adds one node to a trace.
 *
 * @throws ERR_GRAPH for parts of another trace, after the trace ended, or wrong counts and attributes;
 * ERR_SHAPE when shapes do not fit.
 */
export function emit(trace: Trace, op: OpName, parts: Parts): Node {
  const { inputs = [], params = [], buffers = [], coefs = [], attrs = {} } = parts;
  const { path, image } = trace;
  checkOwner(trace, op, [...inputs, ...params, ...buffers, ...coefs.flatMap(coefParams)]);
  const shapes = (of: readonly { readonly shape: Shape }[]): Shape[] => of.map(({ shape }) => shape);
  const shape = inferShape({
    op,
    path,
    image,
    attrs,
    inputs: shapes(inputs),
    sources: inputs.map((node) => node.op),
    params: shapes(params),
    buffers: shapes(buffers),
    coefs: coefs.map(coefShape),
  });
  const id = trace.nodes.length;
  const node = {
    trace,
    id,
    op,
    path,
    shape,
    channels: must(shape[1]),
    inputs,
    params,
    buffers,
    coefs,
    attrs,
  };
  trace.nodes.push(node);
  return node;
}

function checkOwner(
  trace: Trace,
  op: string,
  parts: readonly { readonly trace: Trace; path: string }[],
): void {
  checkOpen(trace, op);
  const stranger = parts.find((part) => part.trace !== trace);
  if (stranger === undefined) return;
  throw new LmError(
    'ERR_GRAPH',
    `Expected tensors of one trace for \`${trace.path} (${op})\` but received "${stranger.path}" of another`,
    { hint: 'Make every layer from the scope that the function being traced was given.' },
  );
}

/**
 * Refuses to change a finished trace.
 *
 * @throws ERR_GRAPH after the trace ended.
 */
export function checkOpen(trace: Trace, what: string): void {
  if (trace.open) return;
  throw new LmError('ERR_GRAPH', `Expected a trace under way for \`${what}\` but its graph is finished`);
}

/** Runs `body` with every node it makes carrying `path`. */
export function withPath<T>(trace: Trace, path: string, body: () => T): T {
  const outer = trace.path;
  trace.path = path;
  try {
    return body();
  } finally {
    trace.path = outer;
  }
}

/**
 * Makes the states before a step from those after it; `evaluation(i, v)` is the value of the step's i-th
 * drawn f at v.
 */
export type InvertStep<S> = (after: S, evaluation: (i: number, v: Node) => Node) => readonly Node[];

/**
 * Runs one time step and records it: states before and after, evaluations of f, and the parameters that
 * the step's own coefficients (not those inside f) read; for a reversible scheme its inverse too.
 *
 * @throws ERR_GRAPH when the body does not return a state, a non-empty array of nodes, or the inverse
 *   evaluates f elsewhere than the step.
 */
export function recordStep<S extends readonly Node[]>(
  info: StepInfo,
  before: readonly Node[],
  body: () => S,
  invert?: InvertStep<S>,
): S {
  const trace = before[0]?.trace;
  if (trace === undefined) throw new LmError('ERR_GRAPH', `Expected a state before step "${info.path}"`);
  const start = trace.nodes.length;
  trace.fields = [];
  const after = body();
  checkState(after, `step "${info.path}" of scheme "${info.scheme}"`);
  const { fields } = trace;
  const own = trace.nodes.slice(start).filter(({ id }) => !fields.some((f) => id >= f.from && id < f.to));
  const params = new Set(own.flatMap((node) => node.coefs).flatMap(coefParams));
  const draft = { ...info, before, after, fields, params: [...params] };
  trace.steps.push(invert === undefined ? draft : { ...draft, inverse: recordInverse(draft, after, invert) });
  return after;
}

/** Traces the inverse: f is not evaluated again, for its value in the step is its value in the inverse. */
function recordInverse<S extends readonly Node[]>(
  step: StepDraft,
  after: S,
  invert: InvertStep<S>,
): readonly Node[] {
  // the first step of a multi-step scheme
  if (step.before.every((node) => after.includes(node))) return step.before;
  const evaluated: { at: Node; wanted: Node; path: string }[] = [];
  const found = invert(after, (i, at) => {
    const field = step.fields[i];
    if (field === undefined) throw inverseError(step, `no evaluation of f${i} in the step`);
    evaluated.push({ at, wanted: field.input, path: field.path });
    return field.output;
  });
  checkState(found, `the inverse of step "${step.path}"`);
  if (found.length !== step.before.length) throw inverseError(step, `${found.length} states`);
  for (const { at, wanted, path } of evaluated) {
    const i = found.indexOf(at);
    if (at !== wanted && (i < 0 || step.before[i] !== wanted))
      throw inverseError(step, `${path} at another point`);
  }
  return found;
}

function inverseError({ path, scheme, before }: StepDraft, received: string): LmError {
  const message = `Expected the ${before.length} states before step "${path}" from \`invert\` of scheme "${scheme}" but received ${received}`;
  return new LmError('ERR_GRAPH', message, {
    hint: 'invert undoes step: it evaluates the same f where step did, and returns the states that step was given.',
  });
}

/**
 * Checks what a scheme or transition returned.
 *
 * @throws ERR_GRAPH unless it is a state, a non-empty array of nodes.
 */
export function checkState(state: unknown, from: string): void {
  const isNode = (node: Node | undefined): boolean => node?.trace !== undefined;
  if (Array.isArray(state) && state.length > 0 && state.every(isNode)) return;
  throw new LmError('ERR_GRAPH', `Expected a state [newest, …] from ${from} but received ${typeof state}`, {
    hint: 'Return an array of nodes, newest first: return [lin([1, u], [1, f(u)]), u].',
  });
}

/** Runs one evaluation of f and records it in the step under way. */
export function recordField(path: string, input: Node, body: () => Node): Node {
  const { trace } = input;
  const from = trace.nodes.length;
  const output = body();
  trace.fields.push({ path, input, output, from, to: trace.nodes.length });
  return output;
}
