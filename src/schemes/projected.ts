import type { Scope } from '../graph/scope.ts';
import type { Fn, Scheme, State } from '../roles.ts';

/**
 * A scheme followed by a projection p, such as relu (ResNet v1): u_{n+1} = p(step(u_n)), and p(u_0) where a
 * stage starts. State: that of the scheme, p applied to its newest entry; older entries of a history are as
 * they were. Its name is `projected(name)`. p in `enter` is needed by value: the state a transition leaves (P
 * u + f(u)) has not been rectified, and parameter counts do not show it. Not invertible, whatever the scheme
 * is: p forgets.
 *
 * @param project map of one shape to the same, without weights; the nodes it makes lie under its function's
 *   name ("stage1.step0.relu").
 * @see He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2016: relu after the addition.
 * @example
 * const scheme = projected(euler, relu);
 * const config = { ...presetConfig('preact_resnet20'), name: 'v1', block: basic, scheme };
 */
export function projected(scheme: Scheme, project: Fn): Scheme {
  const name = /^\w+$/.test(project.name) ? project.name : 'project';
  const newest = ([u, ...rest]: State, s: Scope): State => [s.at(name).within(() => project(u)), ...rest];
  return {
    name: `projected(${scheme.name})`,
    enter: (history, at) => newest(scheme.enter?.(history, at) ?? [history[0]], at.s),
    step: (state, field, at) => newest(scheme.step(state, field, at), at.s),
    ...(scheme.exit === undefined ? {} : { exit: scheme.exit }),
  };
}
