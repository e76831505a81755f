import { lin } from '../graph/functions.ts';
import type { Node } from '../graph/node.ts';
import { type DropPathOptions, dropPath, type MixLaw, mix } from '../graph/random.ts';
import type { At, Field, Fn, IO, Scheme, State, Transition } from '../roles.ts';
import { positiveInteger } from './options.ts';

/** Options of `fractal` and `fractalTransition`. */
export interface FractalOptions {
  /** Columns C, of 2^(C-1), …, 2, 1 functions; default 3. */
  readonly columns?: number;
  /**
   * Random joins; default none: every join is the mean. `{ global: 0.5 }` is the paper's mixture of local and
   * global steps.
   */
  readonly dropPath?: Pick<DropPathOptions, 'drop' | 'global' | 'per'>;
  /** Applied to every column before the last join, such as the pooling that ends a block; default none. */
  readonly last?: Fn;
}

/**
 * Fractal block of C columns (FractalNet), without an identity term: u_{n+1} = join(columns_C(u_n)). Here
 * columns_c(z) are the values of c columns, the deepest first:
 *
 *   columns_1(z) = [f(z)]
 *   columns_c(z) = [...columns_{c-1}(join(columns_{c-1}(z))), f(z)]
 *
 * Each f is a fresh one, 2^C - 1 in all. A join is the mean of its columns. With `dropPath` it is the mean of
 * those that are alive: each join draws its own (at the places join0, join1, …), and in a global step one
 * column of the whole network is alive (0: the deepest). Evaluation takes the mean of all. State: [u_n].
 *
 * For f(u) = z u a step multiplies u by z with one column, (z + z²) / 2 with two, and (z + w z + w z²) / 3,
 * where w = (z + z²) / 2, with three. It is no method for u' = f(u), so it has no order.
 *
 * Deviation: the paper draws its network expanded, and joins of neighbouring columns at one depth are one
 * join there.
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
 * The fractal block where width or resolution changes. The first f of every column reads the io.in channels
 * of the block's input, and all others io.out. The stride of the stage is that of the first f of every
 * column; with `last` every f has stride 1, and `last` makes the maps smaller, as the max pooling of the
 * published net does before the last join. State: [u].
 *
 * @throws as `fractal`; ERR_SHAPE when sizes do not fit.
 * @example
 * const last = (u: Node) => maxPool2d(u, { kernel: 2 });
 * const transition = fractalTransition({ columns: 3, last });
 * const config = { ...net, scheme: fractal({ columns: 3 }), transition };
 */
export function fractalTransition(options: FractalOptions = {}): Transition {
  const grow = fractalOf(options);
  return ([u], field, io, at) => [grow(u, field, options.last === undefined ? io : { ...io, stride: 1 }, at)];
}

/** A function from a block's input to its output. */
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
