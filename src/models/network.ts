import { expected } from '../errors.ts';
import { type Graph, trace } from '../graph/graph.ts';
import type { Node } from '../graph/node.ts';
import { replayScope, type Scope } from '../graph/scope.ts';
import { isSize } from '../graph/shapes.ts';
import type { InputSpec } from '../graph/spec.ts';
import { checkState, type InvertStep, recordField, recordStep } from '../graph/tracing.ts';
import type { Head } from '../nn/heads.ts';
import type { Stem } from '../nn/stems.ts';
import type { At, Block, BlockFn, Field, Fn, IO, Noise, Scheme, State, Transition } from '../roles.ts';

/** What the steps of a stage are made of. */
export interface StepParts {
  readonly block: Block;
  readonly scheme: Scheme;
  /** Random control on every f; default none. */
  readonly noise?: Noise | undefined;
  /** The first step of a stage whose width or resolution differs from the one before. */
  readonly transition: Transition;
}

/** Sizes of one stage. */
interface StageSizes {
  /** Channels of u in this stage, after its first step. */
  readonly width: number;
  /** Steps, the one that changes width or resolution included. */
  readonly steps: number;
  /** Spatial stride of the first step. */
  readonly stride: number;
}

/**
 * One stage: steps at one width and resolution, made of the network's parts but for those it names itself.
 * A stage that names a transition starts with it even where nothing changes.
 */
export interface StageConfig extends StageSizes, Partial<StepParts> {}

/** A network as plain data of functions: copy it and change one part. */
export interface NetworkConfig extends StepParts {
  readonly name: string;
  readonly input: InputSpec;
  readonly classes: number;
  readonly stem: Stem;
  readonly stages: readonly StageConfig[];
  /**
   * Makes the very first f where it differs, such as one without the norm that the stem ends in; default: the
   * block.
   */
  readonly firstBlock?: Block | undefined;
  /** Makes the head for so many classes. */
  readonly head: (classes: number) => Head;
}

/**
 * A stage with all its parts, and where it lies: which one, its first step's number of N, and the width
 * before it.
 */
interface Place extends StageSizes, StepParts, Pick<NetworkConfig, 'firstBlock'> {
  readonly stage: number;
  readonly first: number;
  readonly N: number;
  readonly from: number;
  /** Whether step 0 is the transition. */
  readonly changes: boolean;
}

/**
 * The graph of a network: stem, stages of steps of a scheme applied to a block, head.
 * Where a stage changes width or resolution its step 0 is the transition, and `scheme.enter` sees its result;
 * elsewhere `enter` sees the state before. Paths: stem, stage1.step0.f0, …, stage1.enter, exit, head.
 *
 * @throws ERR_CONFIG for stages or classes that are no positive integers; ERR_SHAPE and ERR_GRAPH from the
 *   parts.
 * @example
 * const graph = network({ ...presetConfig('preact_resnet20'), name: 'damped20', scheme: damped });
 */
export function network(config: NetworkConfig): Graph {
  check(config);
  const { name, input, stages } = config;
  const N = stages.reduce((sum, { steps }) => sum + steps, 0);
  return trace(name, input, (root, x) => {
    const stem = root.at('stem', 0);
    let state: State = [stem.within(() => config.stem(stem, input.channels)(x))];
    let scheme = config.scheme;
    let [first, from] = [0, state[0].channels];
    for (const [i, stage] of stages.entries()) {
      const changes = stage.transition !== undefined || from !== stage.width || stage.stride !== 1;
      const place: Place = { ...config, ...stage, stage: i + 1, first, N, from, changes };
      state = integrate(place, root, state);
      scheme = place.scheme;
      [first, from] = [first + stage.steps, stage.width];
    }
    const exit = root.at('exit', 1);
    const u = exit.within(() => scheme.exit?.(state, { s: exit, n: N, N, t: 1 }) ?? state[0]);
    const head = root.at('head', 1);
    return head.within(() => config.head(config.classes)(head, u.channels)(u));
  });
}

/** All steps of one stage; where it changes width or resolution, step 0 is the transition. */
function integrate(place: Place, root: Scope, history: State): State {
  let state = place.changes ? history : enter(place, root, history);
  for (let i = 0; i < place.steps; i++) {
    const transition = place.changes && i === 0;
    state = step(place, placeAt(root, place, i), transition, state);
    if (transition) state = enter(place, root, state);
  }
  return state;
}

/** The state that a stage starts with. */
function enter(place: Place, root: Scope, history: State): State {
  const { scheme } = place;
  const at = placeAt(root, place, 0);
  const s = root.at(`stage${place.stage}`).at('enter', at.t);
  const state: State = s.within(() => scheme.enter?.(history, { ...at, s }) ?? [history[0]]);
  checkState(state, `enter of scheme "${scheme.name}"`);
  return state;
}

/** One recorded step, of the scheme or between stages. */
function step(place: Place, at: At, transition: boolean, before: State): State {
  const { scheme, stage, from, width, stride } = place;
  const { path } = at.s;
  const field = fields(place, at, before[0].channels);
  const io = { in: from, out: width, stride };
  const info = { path, scheme: scheme.name, stage, n: at.n, N: at.N, t: at.t, transition };
  const run = (): State =>
    transition ? place.transition(before, field, io, at) : scheme.step(before, field, at);
  const invert = transition ? undefined : inverseOf(scheme, at);
  return recordStep(info, before, () => at.s.within(run), invert);
}

/** Where step i of a stage is. */
function placeAt(root: Scope, { stage, first, N }: Place, i: number): At {
  const n = first + i;
  const t = N > 1 ? n / (N - 1) : 0;
  return { s: root.at(`stage${stage}`, t).at(`step${i}`), n, N, t };
}

/**
 * Draws f0, f1, … under a step and records every evaluation; width and stride default to those of the newest
 * state. Noise wraps each draw (and may draw more than one): what it makes is named after its first f, so
 * that all evaluations of one f share a gate.
 */
function fields({ block, noise, firstBlock = block }: Place, at: At, width: number): Field {
  let drawn = 0;
  return (io = {}) => {
    const sizes: IO = { in: width, out: io.in ?? width, stride: 1, ...io };
    const place = at.s.at(`f${drawn}`);
    let pre: Fn | undefined;
    const fresh = (): Fn => {
      const own = at.s.at(`f${drawn}`);
      const make = drawn++ === 0 && at.n === 0 ? firstBlock : block;
      const f: BlockFn = own.within(() => make(own, sizes));
      pre ??= f.pre;
      return (u) => own.within(() => f(u));
    };
    const f = noise === undefined ? fresh() : noise(fresh, at);
    const apply = (u: Node): Node => recordField(place.path, u, () => place.within(() => f(u)));
    return pre === undefined ? apply : Object.assign(apply, { pre });
  };
}

/** How a step of a reversible scheme is undone, for the record of the step. */
function inverseOf({ invert }: Scheme, at: At): InvertStep<State> | undefined {
  if (invert === undefined) return undefined;
  const { path, depth } = at.s;
  return (after, evaluation) => {
    let drawn = 0;
    const field: Field = () => {
      const i = drawn++;
      return (v) => evaluation(i, v);
    };
    const s = replayScope(after[0].trace, path, depth);
    return s.within(() => invert(after, field, { ...at, s }));
  };
}

function check({ stages, classes }: NetworkConfig): void {
  if (!isSize(classes, 1)) throw expected('ERR_CONFIG', 'a positive integer', 'network.classes', classes);
  if (!Array.isArray(stages) || stages.length === 0)
    throw expected('ERR_CONFIG', 'at least one stage', 'network.stages', stages);
  for (const [i, stage] of stages.entries())
    for (const key of ['width', 'steps', 'stride'] as const)
      if (!isSize(stage[key], 1))
        throw expected('ERR_CONFIG', 'a positive integer', `network.stages[${i}].${key}`, stage[key]);
}
