import { lin } from '../graph/functions.ts';
import type { Node } from '../graph/node.ts';
import { type DropPathOptions, dropPath, type MixLaw, mix } from '../graph/random.ts';
import type { At, Field, Fn, IO, Scheme, State, Transition } from '../roles.ts';
import { positiveInteger } from './options.ts';

/** Options of `fractal` and `fractalTransition`. */
export interface FractalOptions {
  /** Columns C, of 2^(C-1), …, 2, 1 functions; default 3. */
  readonly columns?: number;
  /** Random joins; default none: every join is the mean. `{ global: 0.5 }` is the paper's mixture of local and global steps. */
  readonly dropPath?: Pick<DropPathOptions, 'drop' | 'global' | 'per'>;
  /** Applied to every column before the last join, such as the pooling that ends a block; default none. */
  readonly last?: Fn;
}

/**
 * Fractal block of C columns (FractalNet): u_{n+1} = join(branches_C(u_n)), no identity term, with branches_1(z) = [conv(z)] and
 * branches_c(z) = [...branches_{c-1}(join(branches_{c-1}(z))), conv_c(z)]; every conv is a fresh f: 2^C - 1 of them. State: [u_n].
 * join: the mean; with `dropPath` the mean of the branches that are alive, each join drawing its own (places join0, join1, …) and global
 * steps one column of the whole network (0: the deepest). Evaluation takes the mean of all.
 * For f(u) = z u, R(z) = z; (z + z²) / 2; (z + w z + w z²) / 3 with w = (z + z²) / 2. Not a method for u' = f(u): it has no order.
 *
 * Deviation: the expanded net of the paper, in which joins of neighbouring columns at one depth are one join of all.
 *
 * @throws ERR_CONFIG for a number of columns that is no positive integer or a probability out of range.
 * @see Larsson, Maire, Shakhnarovich, "FractalNet", 2017; gustavla/fractalnet.
 */
export function fractal(options: FractalOptions = {}): Scheme {
  const grow = fractalOf(options);
  return {
    name: 'fractal',
    step: ([u], field, at) => [grow(u, field, { in: u.channels, out: u.channels, stride: 1 }, at)],
  };
}

/**
 * The fractal block where width or resolution changes: the first conv of every column, and they alone, read the io.in channels of the
 * block's input. With `last` the convs have stride 1 and `last` carries the stride of the stage, as the max pooling of the published net
 * (before the last join: max then mean); without it the first convs carry it. State: [u].
 *
 * @throws as `fractal`; ERR_SHAPE when sizes do not fit.
 * @example
 * const last = (u: Node) => maxPool2d(u, { kernel: 2 });
 * const config = { ...net, scheme: fractal({ columns: 3 }), transition: fractalTransition({ columns: 3, last }) };
 */
export function fractalTransition(options: FractalOptions = {}): Transition {
  const grow = fractalOf(options);
  return ([u], field, io, at) => [grow(u, field, options.last === undefined ? io : { ...io, stride: 1 }, at)];
}

/** The recursion, from a block's input to its output. */
function fractalOf(options: FractalOptions): (u: Node, field: Field, io: IO, at: At) => Node {
  const { columns = 3, last = (u) => u } = options;
  positiveInteger(columns, 'fractal.columns');
  const join = joinOf(options);
  return (u, field, io, { s }) => {
    const inner = { in: io.out, out: io.out, stride: 1 };
    let joins = 0;
    const joined = ([z, ...others]: State): Node =>
      others.length === 0 ? z : s.at(`join${joins++}`).within(() => join([z, ...others]));
    const branches = (c: number, z: Node, first: IO): State => {
      if (c === 1) return [field(first)(z)];
      const [deepest, ...others] = branches(c - 1, joined(branches(c - 1, z, first)), inner);
      return [deepest, ...others, field(first)(z)];
    };
    const [deepest, ...others] = branches(columns, u, io);
    return joined(s.at('last').within(() => [last(deepest), ...others.map(last)]));
  };
}

/** Joins branches, the deepest column first. */
function joinOf({ dropPath: options }: FractalOptions): (branches: State) => Node {
  if (options === undefined)
    return (branches) => lin(...branches.map((u) => [1 / branches.length, u] as const));
  const law = (count: number): MixLaw =>
    dropPath({ ...options, columns: Array.from({ length: count }, (_, i) => i) });
  law(1); // refuses wrong options before any trace
  return (branches) => mix(branches, law(branches.length));
}
