/**
 * Randomness in a network: mixtures of branches with random weights, and elementwise noise. Evaluation takes
 * the expectation.
 */
import { expected } from '../errors.ts';
import type { Node } from './node.ts';
import { emit } from './tracing.ts';

/** Whether one draw serves the whole mini-batch, or every image has its own. */
export type DrawPer = 'batch' | 'sample';

/** Law of the weights of `mix`; made by `bernoulli`, `shake` and `dropPath`. */
export interface MixLaw {
  readonly law: 'bernoulli' | 'shake' | 'dropPath';
  readonly per: DrawPer;
  /** Probability that a branch stays. */
  readonly keep: number;
  /**
   * Where the gate is made unbiased: kept branches are divided by `keep` in training, or multiplied by it at
   * test time.
   */
  readonly scale: 'train' | 'test';
  /** Shaking: the weights that the gradient sees. */
  readonly backward: 'same' | 'uniform' | 'even';
  /** Drop-path: probability that a step keeps one column alone, through the whole network. */
  readonly global: number;
  /** Drop-path: the column of each branch, for the global mode. */
  readonly columns: readonly number[];
  /** Nodes of one group share their draws; default: the place where the node is made. */
  readonly group?: string | undefined;
}

const law = { per: 'batch', keep: 1, scale: 'train', backward: 'same', global: 0, columns: [] } as const;

/** Options of `bernoulli`. */
export interface BernoulliOptions {
  /** Probability that the branch stays, in [0, 1]. */
  readonly keep: number;
  /** Default 'batch': a dropped branch is not computed at all. */
  readonly per?: DrawPer | undefined;
  /** Default 'train'. */
  readonly scale?: 'train' | 'test' | undefined;
  readonly group?: string | undefined;
}

/**
 * Gate of one branch: eta ~ Bernoulli(keep); eta / keep in training and 1 in evaluation (`scale: 'train'`),
 * or eta and keep (`scale: 'test'`).
 *
 * @throws ERR_CONFIG for a probability outside [0, 1].
 * @see Huang et al., "Deep networks with stochastic depth", 2016 (scale at test time); 2prime/LM-ResNet (in
 *   training).
 */
export function bernoulli({ keep, per = 'batch', scale = 'train', group }: BernoulliOptions): MixLaw {
  checkPart(keep, 'bernoulli.keep');
  return { ...law, law: 'bernoulli', keep, per, scale, group };
}

/** Options of `shake`. */
export interface ShakeOptions {
  /**
   * What the gradient sees: the forward weight ('same'), one of its own ('uniform', default), or 1/2
   * ('even').
   */
  readonly backward?: 'same' | 'uniform' | 'even' | undefined;
  /** Default 'sample'. */
  readonly per?: DrawPer | undefined;
  readonly group?: string | undefined;
}

/**
 * Weights alpha and 1 - alpha of two branches, alpha ~ U(0, 1); 1/2 each in evaluation.
 *
 * @see Gastaldi, "Shake-Shake regularization", 2017.
 */
export function shake({ backward = 'uniform', per = 'sample', group }: ShakeOptions = {}): MixLaw {
  return { ...law, law: 'shake', backward, per, group };
}

/** Options of `dropPath`. */
export interface DropPathOptions {
  /** Probability that a branch is dropped, in [0, 1); default 0.15. */
  readonly drop?: number | undefined;
  /** Probability that a step keeps a single column of the network, in [0, 1]; default 0. */
  readonly global?: number | undefined;
  /** Column of each branch; needed for `global`. */
  readonly columns?: readonly number[] | undefined;
  /** Default 'batch'. */
  readonly per?: DrawPer | undefined;
  readonly group?: string | undefined;
}

/**
 * Mean of the branches that are alive: each is dropped with probability `drop`, and one is revived when all
 * fall; the mean of all in evaluation. In a global step only the branch of the drawn column is alive, at
 * every join.
 *
 * @throws ERR_CONFIG for a probability out of range, or `global` without columns.
 * @see Larsson, Maire, Shakhnarovich, "FractalNet", 2016.
 */
export function dropPath(options: DropPathOptions = {}): MixLaw {
  const { drop = 0.15, global = 0, columns = [], per = 'batch', group } = options;
  checkPart(drop, 'dropPath.drop');
  checkPart(global, 'dropPath.global');
  if (global > 0 && columns.length === 0)
    throw expected('ERR_CONFIG', 'the column of each branch', 'dropPath.columns', columns);
  return { ...law, law: 'dropPath', keep: 1 - drop, global, columns, per, group };
}

/**
 * Random mixture of branches, sum of w_i b_i with w drawn by a law; in evaluation w is its expectation.
 * Branches have one shape. A branch whose weight is 0 for the whole mini-batch is not computed: its batch
 * statistics stay, its gradient is zero.
 *
 * @throws ERR_SHAPE when branches differ in shape or their number does not fit the law.
 * @example
 * mix([f(u)], bernoulli({ keep: 0.8 })); // stochastic depth
 */
export function mix(branches: readonly Node[], { group, ...attrs }: MixLaw): Node {
  const [first] = branches;
  if (first === undefined) throw expected('ERR_CONFIG', 'at least one branch', 'mix', branches);
  return emit(first.trace, 'mix', {
    inputs: branches,
    attrs: { ...attrs, group: group ?? first.trace.path },
  });
}

/**
 * Dropout: elements are zero with probability p and divided by 1 - p otherwise, in training; nothing in
 * evaluation.
 *
 * @throws ERR_GRAPH for p outside [0, 1).
 * @see Srivastava et al. 2014, inverted as in PyTorch.
 */
export function dropout(u: Node, p: number, group?: string): Node {
  return emit(u.trace, 'dropout', { inputs: [u], attrs: { p, group: group ?? u.trace.path } });
}

/**
 * u + std · epsilon, epsilon ~ N(0, 1) elementwise, in training; u in evaluation.
 *
 * @throws ERR_GRAPH for a negative deviation.
 */
export function gaussianNoise(u: Node, std: number, group?: string): Node {
  return emit(u.trace, 'gaussianNoise', { inputs: [u], attrs: { std, group: group ?? u.trace.path } });
}

function checkPart(value: number, name: string): void {
  if (!(value >= 0 && value <= 1)) throw expected('ERR_CONFIG', 'a number in [0, 1]', name, value);
}
