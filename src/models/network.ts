import { expected } from '../errors.ts';
import { type Graph, trace } from '../graph/graph.ts';
import type { Node } from '../graph/node.ts';
import type { Scope } from '../graph/scope.ts';
import { isSize } from '../graph/shapes.ts';
import type { InputSpec } from '../graph/spec.ts';
import { checkState, recordField, recordStep } from '../graph/tracing.ts';
import type { Head } from '../nn/heads.ts';
import type { Stem } from '../nn/stems.ts';
import type { At, Block, Field, Scheme, State, Transition } from '../roles.ts';

/** One stage: steps at one width and resolution. */
export interface StageConfig {
  /** Channels of u in this stage, after its first step. */
  readonly width: number;
  /** Steps, the one that changes width or resolution included. */
  readonly steps: number;
  /** Spatial stride of the first step. */
  readonly stride: number;
}

/** A network as plain data of functions: copy it and change one part. */
export interface NetworkConfig {
  readonly name: string;
  readonly input: InputSpec;
  readonly classes: number;
  readonly stem: Stem;
  readonly stages: readonly StageConfig[];
  readonly block: Block;
  readonly scheme: Scheme;
  /** The first step of a stage whose width or resolution differs from the one before. */
  readonly transition: Transition;
  /** Makes the head for so many classes. */
  readonly head: (classes: number) => Head;
}

/** A stage's place: which one, its first step's number of N, and the width before it. */
interface Place extends StageConfig {
  readonly stage: number;
  readonly first: number;
  readonly N: number;
  readonly from: number;
}

/**
 * The graph of a network: stem, stages of steps of a scheme applied to a block, head.
 * Where a stage changes width or resolution its step 0 is the transition, and `scheme.enter` sees its result;
 * elsewhere `enter` sees the state before. Paths: stem, stage1.step0.f0, …, stage1.enter, exit, head.
 *
 * @throws ERR_CONFIG for stages or classes that are no positive integers; ERR_SHAPE and ERR_GRAPH from the parts.
 * @example
 * const graph = network({ ...presetConfig('preact_resnet20'), name: 'damped20', scheme: damped });
 */
export function network(config: NetworkConfig): Graph {
  check(config);
  const { name, input, scheme, stages } = config;
  const N = stages.reduce((sum, { steps }) => sum + steps, 0);
  return trace(name, input, (root, x) => {
    const stem = root.at('stem', 0);
    let state: State = [stem.within(() => config.stem(stem, input.channels)(x))];
    let place = { first: 0, N, from: state[0].channels };
    for (const [i, stage] of stages.entries()) {
      state = integrate(config, root, { ...place, ...stage, stage: i + 1 }, state);
      place = { N, first: place.first + stage.steps, from: stage.width };
    }
    const exit = root.at('exit', 1);
    const u = exit.within(() => scheme.exit?.(state, { s: exit, n: N, N, t: 1 }) ?? state[0]);
    const head = root.at('head', 1);
    return head.within(() => config.head(config.classes)(head, u.channels)(u));
  });
}

/** All steps of one stage; where it changes width or resolution, step 0 is the transition. */
function integrate(config: NetworkConfig, root: Scope, place: Place, history: State): State {
  const changes = place.from !== place.width || place.stride !== 1;
  let state = changes ? history : enter(config, root, place, history);
  for (let i = 0; i < place.steps; i++) {
    const transition = changes && i === 0;
    state = step(config, placeAt(root, place, i), { ...place, transition }, state);
    if (transition) state = enter(config, root, place, state);
  }
  return state;
}

/** The state that a stage starts with. */
function enter({ scheme }: NetworkConfig, root: Scope, place: Place, history: State): State {
  const at = placeAt(root, place, 0);
  const s = root.at(`stage${place.stage}`).at('enter', at.t);
  const state: State = s.within(() => scheme.enter?.(history, { ...at, s }) ?? [history[0]]);
  checkState(state, `enter of scheme "${scheme.name}"`);
  return state;
}

/** One recorded step, of the scheme or between stages. */
function step(config: NetworkConfig, at: At, place: Place & { transition: boolean }, before: State): State {
  const { scheme, block } = config;
  const { stage, transition, from, width, stride } = place;
  const { path } = at.s;
  const field = fields(block, at.s, before[0].channels);
  const io = { in: from, out: width, stride };
  const info = { path, scheme: scheme.name, stage, n: at.n, N: at.N, t: at.t, transition };
  const run = (): State =>
    transition ? config.transition(before, field, io, at) : scheme.step(before, field, at);
  return recordStep(info, before, () => at.s.within(run));
}

/** Where step i of a stage is. */
function placeAt(root: Scope, { stage, first, N }: Place, i: number): At {
  const n = first + i;
  const t = N > 1 ? n / (N - 1) : 0;
  return { s: root.at(`stage${stage}`, t).at(`step${i}`), n, N, t };
}

/** Draws f0, f1, … under a step and records every evaluation; width and stride default to those of the newest state. */
function fields(block: Block, s: Scope, width: number): Field {
  let drawn = 0;
  return (io = {}) => {
    const place = s.at(`f${drawn++}`);
    const f = place.within(() => block(place, { in: width, out: io.in ?? width, stride: 1, ...io }));
    const apply = (u: Node): Node => recordField(place.path, u, () => place.within(() => f(u)));
    return f.pre === undefined ? apply : Object.assign(apply, { pre: f.pre });
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
