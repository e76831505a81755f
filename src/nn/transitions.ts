/** Transitions: the step between stages, from a shortcut and what becomes of the history. */
import { LmError } from '../errors.ts';
import { lin, slice } from '../graph/functions.ts';
import type { Node } from '../graph/node.ts';
import type { BlockFn, Field, IO, Scheme, State, Transition } from '../roles.ts';
import { ownNorm, type Shortcut } from './shortcuts.ts';

/**
 * Step between stages that starts the history anew: state [P u + f(u), P u]. A two-step scheme so starts its
 * new stage with u_{n-1} = P u, and draws no k here. Parameters: those of P under `shortcut`.
 *
 * @see 2prime/LM-ResNet, MResNet.py: `last` becomes the projected shortcut.
 */
export function restarted(shortcut: Shortcut): Transition {
  return ([u], field, io, { s }) => {
    const f = field(io);
    const projected = shortcut(s.at('shortcut'), io, f)(u);
    return [lin([1, projected], [1, f(u)]), projected];
  };
}

/** `restarted(ownNorm)`: the transition of the LM nets. */
export const ownNormShortcut: Transition = restarted(ownNorm);

/** Maps of a history across a stage border. */
export interface HistoryOptions {
  /** P of the newest state; default `ownNorm`. */
  readonly shortcut?: Shortcut;
  /** P of each older state, every one with its own parameters; default `ownNorm`. */
  readonly older?: Shortcut;
}

/**
 * Step between stages that keeps the history: every state is projected by its own P, and the scheme's own
 * step is taken with them and f(u) of the state before, for the two-step scheme (1 - k) P_0 u_n + k P_1
 * u_{n-1} + f(u_n). The scheme's states must be states of u. Parameters: those of the projections under
 * `shortcut`, `history1`, …, and what the scheme draws.
 *
 * @throws ERR_GRAPH for a scheme that evaluates f elsewhere than at the states before.
 * @see 2prime/LM-ResNet, MResNet.py, `downsample22` and `downsample32`, commented out there; the LM-ResNeXt
 *   sizes of the paper imply it.
 * @example
 * const scheme = linearTwoStep();
 * const transition = projectedHistory(scheme);
 * const config = { ...presetConfig('lm_resnet20'), name: 'kept', scheme, transition };
 */
export function projectedHistory(scheme: Scheme, options: HistoryOptions = {}): Transition {
  const { shortcut = ownNorm, older = ownNorm } = options;
  return (history, field, io, at) => {
    const f = field(io);
    const sources = new Map<Node, Node>();
    const project = (u: Node, i: number): Node => {
      const place = at.s.at(i === 0 ? 'shortcut' : `history${i}`);
      const projected = (i === 0 ? shortcut : older)(place, io, f)(u);
      sources.set(projected, u);
      return projected;
    };
    const [newest, ...rest] = history;
    const state: State = [project(newest, 0), ...rest.map((u, i) => project(u, i + 1))];
    return scheme.step(state, moved(f, field, io, sources), at);
  };
}

/**
 * The first f of a transition, evaluated at the state that a projected one came from; later ones are the new
 * stage's.
 */
function moved(f: BlockFn, field: Field, io: IO, sources: ReadonlyMap<Node, Node>): Field {
  let drawn = 0;
  return (sizes) => {
    if (drawn++ > 0) return field({ in: io.out, out: io.out, ...sizes });
    return (projected) => {
      const u = sources.get(projected);
      if (u !== undefined) return f(u);
      throw new LmError(
        'ERR_GRAPH',
        `Expected f at a state before the step but received \`${projected.path}\``,
        { hint: 'This scheme evaluates f in between: give it a transition that restarts the history.' },
      );
    };
  };
}

/**
 * RevNet's step between stages, on channel halves: x' = P x + f(y), y' = P y + g(x'). f carries the stride; g
 * has none. It cannot be inverted. State before: [u] or [x, y]; after: [x', y'], half of io.out channels
 * each. Parameters: those of the two P under `shortcut0` and `shortcut1`.
 *
 * @throws ERR_SHAPE for odd widths.
 * @see Gomez et al., "The reversible residual network", 2017; renmengye/revnet-public, revnet_model.py.
 */
export function halvesTransition(shortcut: Shortcut): Transition {
  return (history, field, io, { s }) => {
    const half = { in: io.in / 2, out: io.out / 2, stride: io.stride };
    const [x, y] = halves(history);
    const f = field(half);
    const kept = [x, y].map((u, i) => shortcut(s.at(`shortcut${i}`), half, f)(u)) as [Node, Node];
    const next = lin([1, kept[0]], [1, f(y)]);
    return [next, lin([1, kept[1]], [1, field({ in: half.out, out: half.out })(next)])];
  };
}

function halves([x, y]: State): readonly [Node, Node] {
  if (y !== undefined) return [x, y];
  return [slice(x, 0, x.channels / 2), slice(x, x.channels / 2, x.channels)];
}
