/** The graph format for data from outside: structure first (here), meaning next (validate.ts). */
import { z } from 'zod';
import { expected, type LmError } from '../errors.ts';
import { must } from '../must.ts';
import { graphBounds } from './bounds.ts';
import type { GraphSpec } from './spec.ts';

const { list, text } = graphBounds;

/** The most attributes of a node; no operation has more than ten. */
const mostAttributes = 32;

function isFew(table: object): boolean {
  let count = 0;
  for (const _ in table) if (++count > mostAttributes) return false;
  return true;
}

let known: z.ZodType<GraphSpec> | undefined;

/** Made when it is first asked for: most programs read no graph, and making it takes a part of the import. */
function graphSchema(): z.ZodType<GraphSpec> {
  const size = z
    .int()
    .min(1)
    .max(2 ** 31 - 1);
  const index = z
    .int()
    .min(0)
    .max(2 ** 31 - 1);
  const indices = z.array(index).max(list);
  const path = z.string().max(text);
  const shape = z.array(size).min(1).max(8);
  const depth = z.number().min(0).max(1);

  const init = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('constant'), value: z.number() }),
    z.strictObject({ kind: z.literal('uniform'), low: z.number(), high: z.number() }),
    z.strictObject({ kind: z.literal('normal'), mean: z.number(), std: z.number().min(0) }),
  ]);

  const input = z.strictObject({
    channels: size,
    height: size,
    width: size,
    mean: z.array(z.number()),
    std: z.array(z.number().positive()),
  });

  const node = z.strictObject({
    op: path,
    path,
    inputs: indices,
    params: indices,
    buffers: indices,
    coefs: indices,
    // An error is made for each wrong one: they are counted first.
    attrs: z
      .custom<object>((value) => typeof value !== 'object' || value === null || isFew(value))
      .pipe(z.record(path, z.union([z.number(), path, z.array(z.number()).max(list)]))),
  });

  /** Inputs of an inverse may lie among its own operations, counted down from -1. */
  const operand = z
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1);
  const inverse = z.strictObject({
    nodes: z.array(node.extend({ inputs: z.array(operand).max(list) })).max(list),
    before: z.array(operand).max(list),
  });

  const param = z.strictObject({
    path: path.min(1),
    shape,
    init,
    kind: z.enum(['weight', 'bias', 'norm', 'coefficient']),
    depth,
    decay: z.boolean().exactOptional(),
  });

  const coef = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('constant'), value: z.number() }),
    z.strictObject({ kind: z.literal('param'), param: index }),
    z.strictObject({ kind: z.enum(['sum', 'product']), of: z.tuple([index, index]) }),
    z.strictObject({ kind: z.enum(['reciprocal', 'tanh']), of: z.tuple([index]) }),
  ]);

  const step = z.strictObject({
    path,
    scheme: path,
    stage: index,
    n: index,
    N: size,
    t: depth,
    transition: z.boolean(),
    before: indices,
    after: indices,
    fields: z.array(z.strictObject({ path, input: index, output: index })).max(list),
    params: indices,
    inverse: inverse.exactOptional(),
  });

  return z.strictObject({
    version: size,
    name: path.min(1),
    input,
    nodes: z.array(node).min(1).max(graphBounds.nodes),
    params: z.array(param).max(graphBounds.params),
    buffers: z
      .array(z.strictObject({ path: path.min(1), shape, value: z.number() }))
      .max(graphBounds.buffers),
    coefs: z.array(coef).max(graphBounds.coefs),
    steps: z.array(step).max(graphBounds.steps),
    output: index,
  });
}

/**
 * Data of the right structure, copied.
 *
 * @throws ERR_GRAPH for the first thing that has another structure.
 */
export function parseStructure(value: unknown): GraphSpec {
  known ??= graphSchema();
  const result = known.safeParse(value);
  if (result.success) return result.data;
  throw explain(must(result.error.issues[0]), value);
}

function explain(issue: z.core.$ZodIssue, value: unknown): LmError {
  const place = issue.path;
  const name = place.reduce<string>(
    (s, p) => s + (typeof p === 'number' ? `[${p}]` : `.${String(p)}`),
    'graph',
  );
  const received = place.reduce<unknown>(
    (v, key) => (typeof v === 'object' && v !== null ? Reflect.get(v, key) : undefined),
    value,
  );
  return expected('ERR_GRAPH', 'data of the graph format', name, brief(received), { hint: issue.message });
}

/** Foreign data may be huge, circular or no JSON: a container is named, not shown. */
function brief(value: unknown): unknown {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : value;
}
