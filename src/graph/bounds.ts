/** How large a graph may be. */
import { expected } from '../errors.ts';
import { coefShapes } from './infer.ts';
import { elements } from './shapes.ts';
import type { CoefSpec, GraphSpec, NodeSpec } from './spec.ts';

const tables = ['nodes', 'params', 'buffers', 'coefs', 'steps'] as const;

/**
 * The most that a graph may hold: far more than any network needs (lm_resnet1202 has 5415 nodes, 3584
 * coefficients, 600 steps), and no more than is looked through in a second. `list`: of one node or step;
 * `entries`: of all of these; `text`: letters of a name; `coefDepth`: of expressions in each other;
 * `coefNumbers`: of all coefficients, one for each channel.
 */
export const graphBounds: Readonly<
  Record<
    (typeof tables)[number] | 'stages' | 'list' | 'text' | 'entries' | 'coefDepth' | 'coefNumbers',
    number
  >
> = {
  ...{ nodes: 24_576, params: 24_576, buffers: 16_384, coefs: 16_384, steps: 2560, stages: 64 },
  ...{ list: 1024, text: 1024, entries: 2 ** 17, coefDepth: 1000, coefNumbers: 2 ** 21 },
};

/**
 * Refuses a graph that is too large, before it is walked.
 *
 * @throws ERR_GRAPH.
 */
export function checkBounds(spec: GraphSpec): void {
  for (const table of tables)
    if (spec[table].length > graphBounds[table])
      throw expected(
        'ERR_GRAPH',
        `at most ${graphBounds[table]} ${table}`,
        `graph.${table}`,
        spec[table].length,
      );
  const entries = countEntries(spec);
  if (entries > graphBounds.entries)
    throw expected('ERR_GRAPH', `at most ${graphBounds.entries} inputs of nodes`, 'graph.nodes', entries);
  const stages = new Set(spec.steps.map(({ stage }) => stage)).size;
  if (stages > graphBounds.stages)
    throw expected('ERR_GRAPH', `at most ${graphBounds.stages} stages`, 'graph.steps', stages);
  checkDepth(spec.coefs);
  const { coefNumbers } = graphBounds;
  const numbers = coefShapes(spec).reduce((sum, shape) => sum + elements(shape), 0);
  if (numbers > coefNumbers)
    throw expected('ERR_GRAPH', `coefficients of at most ${coefNumbers} numbers`, 'graph.coefs', numbers);
}

/** What nodes and steps refer to. */
function countEntries({ nodes, steps }: GraphSpec): number {
  const ofNode = ({ inputs, params, buffers, coefs }: NodeSpec): number =>
    inputs.length + params.length + buffers.length + coefs.length;
  const ofNodes = (list: readonly NodeSpec[]): number => list.reduce((sum, node) => sum + ofNode(node), 0);
  return steps.reduce(
    (sum, { before, after, fields, params, inverse }) =>
      sum + before.length + after.length + fields.length + params.length + ofNodes(inverse?.nodes ?? []),
    ofNodes(nodes),
  );
}

/** Expressions of expressions are followed one in another. */
function checkDepth(coefs: readonly CoefSpec[]): void {
  const { coefDepth } = graphBounds;
  const depths = new Int32Array(coefs.length);
  for (const [i, coef] of coefs.entries()) {
    const parts = 'of' in coef ? coef.of : [];
    const depth = parts.reduce((most, part) => Math.max(most, 1 + (depths[part] ?? 0)), 0);
    if (depth > coefDepth)
      throw expected('ERR_GRAPH', `coefficients at most ${coefDepth} expressions deep`, `coefs[${i}]`, depth);
    depths[i] = depth;
  }
}
