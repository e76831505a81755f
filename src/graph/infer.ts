/** Shapes of a whole graph for any batch and image size. */
import { must } from '../must.ts';
import { joinShapes } from './coefficients.ts';
import { inferShape } from './ops.ts';
import { elements, nth, type OpCall, shapeError } from './shapes.ts';
import type { CoefSpec, GraphSpec, NodeSpec, Shape } from './spec.ts';

/** The tables that shapes depend on. */
export type Tables = Pick<GraphSpec, 'nodes' | 'params' | 'buffers' | 'coefs'>;

/** Each node as a call with concrete shapes, and the shape of its result. */
export interface Inferred {
  readonly call: OpCall;
  readonly shape: Shape;
}

/** The most numbers in the result of a node, as on the native side: sizes in bytes fit 64 bits. */
const mostNumbers = 2 ** 40;

/**
 * Runs the shape rules over all nodes in order for an input [N, C, H, W].
 *
 * @throws ERR_SHAPE, with the node's path, when an operation does not fit; ERR_GRAPH for wrong counts or
 *   attributes.
 */
export function inferAll(tables: Tables, image: Shape): Inferred[] {
  const { params, buffers } = tables;
  const coefs = coefShapes(tables);
  const done: Inferred[] = [];
  const call = (node: NodeSpec): OpCall => ({
    op: node.op,
    path: node.path,
    image,
    inputs: node.inputs.map((i) => must(done[i]).shape),
    sources: node.inputs.map((i) => must(done[i]).call.op),
    params: node.params.map((i) => must(params[i]).shape),
    buffers: node.buffers.map((i) => must(buffers[i]).shape),
    coefs: node.coefs.map((i) => nth(coefs, i)),
    attrs: node.attrs,
  });
  for (const node of tables.nodes) {
    const next = call(node);
    const shape = inferShape(next);
    if (elements(shape) > mostNumbers) throw shapeError(next, `at most ${mostNumbers} numbers`, shape);
    done.push({ call: next, shape });
  }
  return done;
}

/** Shape of every coefficient: [1] or that of the parameters in it. */
export function coefShapes({ coefs, params }: Tables): Shape[] {
  const shapes: Shape[] = [];
  const rule = (coef: CoefSpec): Shape => {
    if (coef.kind === 'constant') return [1];
    if (coef.kind === 'param') return must(params[coef.param]).shape;
    return coef.of.map((i) => nth(shapes, i)).reduce(joinShapes, [1]);
  };
  for (const coef of coefs) shapes.push(rule(coef));
  return shapes;
}

/**
 * A function from a coefficient to the indices of the parameters that it reads, each once; of several, those
 * not given before.
 */
export function coefReader(coefs: readonly CoefSpec[]): (i: number) => number[] {
  const seen = new Set<number>();
  return (i) => {
    const found: number[] = [];
    for (const pending = [i]; pending.length > 0; ) {
      const at = pending.pop() ?? 0;
      const coef = seen.has(at) ? undefined : coefs[at];
      seen.add(at);
      if (coef === undefined || coef.kind === 'constant') continue;
      if (coef.kind === 'param') found.push(coef.param);
      else pending.push(...coef.of);
    }
    return found;
  };
}
