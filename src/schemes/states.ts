/** What the schemes take from their states. */
import { expected } from '../errors.ts';
import type { Node } from '../graph/node.ts';
import type { State } from '../roles.ts';

/** The newest entries of a history, at most so many: what a multi-step scheme enters a stage with. */
export function newest([u, ...older]: State, count: number): State {
  return [u, ...older.slice(0, count - 1)];
}

/**
 * The two newest entries of a state that needs both.
 *
 * @throws ERR_GRAPH when there is one only.
 */
export function pair([u, second]: State, scheme: string): [Node, Node] {
  if (second === undefined)
    throw expected('ERR_GRAPH', 'a state of two entries', scheme, [u.path], {
      hint: 'A transition before this scheme returns [newest] or the state that the scheme itself keeps.',
    });
  return [u, second];
}
