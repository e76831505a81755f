/** Shape rules of the primitive operations, named after their rows in ops.ts; each throws ERR_SHAPE. */
import { must } from '../must.ts';
import { maps, nth, type OpCall, one, pair, sameShape, shapeError, windows } from './shapes.ts';
import type { Shape } from './spec.ts';

/** Channels C, or features F, of input i. */
export function channels(call: OpCall, i: number): number {
  const c = nth(call.inputs, i)[1];
  if (c === undefined) throw shapeError(call, 'a tensor with channels', nth(call.inputs, i));
  return c;
}

/** Shape of the first input with another number of channels. */
export function withChannels(call: OpCall, c: number): Shape {
  const [n, , ...rest] = nth(call.inputs, 0);
  return [must(n), c, ...rest];
}

/** [N, C, H, W] with weight (out, C / groups, kh, kw) -> [N, out, H', W']. */
export function conv2dShape(call: OpCall): Shape {
  const [n, c] = maps(call);
  const weight = nth(call.params, 0);
  const [out, perGroup, kh, kw] = weight;
  const groups = one(call, 'groups');
  if (
    out === undefined ||
    perGroup === undefined ||
    kh === undefined ||
    kw === undefined ||
    weight.length !== 4
  )
    throw shapeError(call, 'a weight (out, in / groups, kh, kw)', weight);
  if (c !== perGroup * groups) throw shapeError(call, `${perGroup * groups} channels`, nth(call.inputs, 0));
  if (out % groups !== 0) throw shapeError(call, `out channels that ${groups} groups divide`, out);
  checkBias(call, out);
  return [n, out, ...windows(call, [kh, kw])];
}

/** [N, in] with weight (out, in) -> [N, out]. */
export function linearShape(call: OpCall): Shape {
  const input = nth(call.inputs, 0);
  const weight = nth(call.params, 0);
  const [out, features] = weight;
  const [n] = input;
  if (out === undefined || features === undefined || weight.length !== 2)
    throw shapeError(call, 'a weight (out, in)', weight);
  if (n === undefined || input.length !== 2 || input[1] !== features)
    throw shapeError(call, `vectors [N, ${features}]`, input);
  checkBias(call, out);
  return [n, out];
}

function checkBias(call: OpCall, out: number): void {
  const bias = call.params[1];
  if (bias !== undefined && !sameShape(bias, [out])) throw shapeError(call, `a bias [${out}]`, bias);
}

/** [N, C, H, W] with running mean and variance [C] -> [2, C]: mean and variance. */
export function batchNormStatsShape(call: OpCall): Shape {
  const [, c] = maps(call);
  for (const buffer of call.buffers)
    if (!sameShape(buffer, [c]))
      throw shapeError(call, `running statistics [${c}] for maps [${call.inputs[0]}]`, buffer);
  return [2, c];
}

/** [N, C, H, W] and statistics [2, C], weight and bias [C] or neither -> the maps' shape. */
export function batchNormApplyShape(call: OpCall): Shape {
  const [, c] = maps(call);
  const stats = nth(call.inputs, 1);
  if (!sameShape(stats, [2, c]))
    throw shapeError(call, `statistics [2, ${c}] for maps [${call.inputs[0]}]`, stats);
  if (call.params.length === 1) throw shapeError(call, 'a weight and a bias, or neither', call.params[0]);
  for (const param of call.params)
    if (!sameShape(param, [c]))
      throw shapeError(call, `a weight and a bias [${c}] for maps [${call.inputs[0]}]`, param);
  return nth(call.inputs, 0);
}

/** Terms of one shape, coefficients [1] or [C, 1, 1] -> that shape. */
export function linShape(call: OpCall): Shape {
  const first = nth(call.inputs, 0);
  for (const input of call.inputs)
    if (!sameShape(input, first)) throw shapeError(call, `terms of the first one's shape [${first}]`, input);
  const perChannel = first.length === 4 ? [channels(call, 0), 1, 1] : [1];
  for (const coef of call.coefs)
    if (!sameShape(coef, [1]) && !sameShape(coef, perChannel))
      throw shapeError(call, `coefficients [1] or [C, 1, 1] for terms [${first}]`, coef);
  return first;
}

/** [N, C, H, W] -> [N, C, H', W'], floor mode. */
export function poolShape(call: OpCall): Shape {
  const [n, c] = maps(call);
  const kernel = pair(call, 'kernel');
  const padding = pair(call, 'padding');
  if (2 * padding[0] > kernel[0] || 2 * padding[1] > kernel[1])
    throw shapeError(call, `padding of at most half the kernel [${kernel}]`, padding);
  return [n, c, ...windows(call, kernel)];
}

/** Maps that differ in channels only -> their channels in order. */
export function concatShape(call: OpCall): Shape {
  const first = withChannels(call, 0);
  for (const input of call.inputs)
    if (!sameShape([must(input[0]), 0, ...input.slice(2)], first))
      throw shapeError(call, `maps that differ in channels only from [${nth(call.inputs, 0)}]`, input);
  return withChannels(
    call,
    call.inputs.reduce((sum, _, i) => sum + channels(call, i), 0),
  );
}

/** Channels [start, end). */
export function sliceShape(call: OpCall): Shape {
  const [start, end] = [one(call, 'start'), one(call, 'end')];
  if (start >= end || end > channels(call, 0))
    throw shapeError(call, `channels that hold [${start}, ${end})`, nth(call.inputs, 0));
  return withChannels(call, end - start);
}

/**
 * Branches of one shape -> that shape; a bernoulli gate has one branch, shaking two, drop-path a column each
 * or none.
 */
export function mixShape(call: OpCall): Shape {
  const first = nth(call.inputs, 0);
  for (const input of call.inputs)
    if (!sameShape(input, first))
      throw shapeError(call, `branches of the first one's shape [${first}]`, input);
  const counts: Readonly<Record<string, number>> = { bernoulli: 1, shake: 2 };
  const wanted = counts[String(call.attrs.law)] ?? call.inputs.length;
  if (call.inputs.length !== wanted) throw shapeError(call, `${wanted} branches`, call.inputs.length);
  const columns = Array.isArray(call.attrs.columns) ? call.attrs.columns.length : 0;
  const needed = columns > 0 || one(call, 'global') > 0 ? call.inputs.length : 0;
  if (columns !== needed)
    throw shapeError(call, `a column for each of ${call.inputs.length} branches`, columns);
  return first;
}

/** [N, C, H, W] -> the same; a shift is less than the maps. */
export function shiftShape(call: OpCall): Shape {
  const [, , h, w] = maps(call);
  const by = pair(call, 'by');
  if (Math.abs(by[0]) >= h || Math.abs(by[1]) >= w)
    throw shapeError(call, `maps larger than a shift by [${by}]`, [h, w]);
  return nth(call.inputs, 0);
}
