/**
 * The roles a network is made of: scheme, block, noise and transition are independent choices.
 * A function here runs once, at trace time: it sees shapes, never numbers.
 */
import type { Node } from './graph/node.ts';
import type { Scope } from './graph/scope.ts';

/** A map of feature maps, [N, C, H, W] -> [N, C', H', W']. Applying it twice shares its weights. */
export type Fn = (u: Node) => Node;

/** Channels in and out, and the spatial stride, of one residual function. */
export interface IO {
  readonly in: number;
  readonly out: number;
  readonly stride: number;
}

/** A residual function; `pre` is its first norm-relu when a shortcut may share it. */
export type BlockFn = Fn & { readonly pre?: Fn };

/** Makes one residual function f with new weights under the scope. */
export type Block = (s: Scope, io: IO) => BlockFn;

/** Draws a fresh f_n with new weights; default: same width, stride 1. */
export type Field = (io?: Partial<IO>) => BlockFn;

/** What a scheme remembers between steps, newest first. */
export type State = readonly [Node, ...Node[]];

/** Where a step is: step n of N, depth t = n / (N - 1) in [0, 1], and the scope of its parameters. */
export interface At {
  readonly s: Scope;
  readonly n: number;
  readonly N: number;
  readonly t: number;
}

/**
 * A time integrator: u_n -> u_{n+1}, written with `lin` and evaluations of f.
 *
 * @example
 * const euler: Scheme = {
 *   name: 'euler',
 *   order: 1,
 *   step: ([u], field) => [lin([1, u], [1, field()(u)])],
 * };
 */
export interface Scheme {
  readonly name: string;
  /** Order of convergence as a method for u' = f(u), where it is one. */
  readonly order?: number;
  /** Start of a stage; default: only the newest state is kept. */
  enter?(history: State, at: At): State;
  step(state: State, field: Field, at: At): State;
  /** Before the head only; default: the newest state. */
  exit?(state: State, at: At): Node;
  /**
   * Reversible schemes: the state before, from the state after; `field` and the scope replay what `step`
   * drew.
   */
  invert?(next: State, field: Field, at: At): State;
}

/** Random control on f: wraps the way a fresh f is drawn. */
export type Noise = (fresh: () => Fn, at: At) => Fn;

/** The step between two stages, where width or resolution changes. */
export type Transition = (history: State, field: Field, io: IO, at: At) => State;
