import { expected, LmError } from '../errors.ts';
import type { Buffer, Param, Trace } from './node.ts';
import { elements, isSize } from './shapes.ts';
import type { InitSpec, ParamKind } from './spec.ts';
import { checkOpen, withPath } from './tracing.ts';

/** What a parameter is for, and whether weight decay acts on it when that differs from what its kind says. */
export interface ParamOptions {
  /** Default: 'coefficient', which is never decayed unless `decay` says so. */
  readonly kind?: ParamKind;
  readonly decay?: boolean;
}

/** A place in the network: names what is made there ("stage1.step0.f0.conv1") and says how deep it lies. */
export interface Scope {
  readonly path: string;
  /** Depth in [0, 1]: 0 at the stem, 1 at the head; the `depth` of every parameter made here. */
  readonly depth: number;
  /**
   * Child place of this name; `depth` defaults to this scope's.
   *
   * @throws ERR_CONFIG unless the name is made of letters, digits and _.
   */
  at(name: string, depth?: number): Scope;
  /**
   * A new trainable tensor `path.name`. One that nothing needed by the output reads is left out of the graph.
   *
   * @throws ERR_NAME_TAKEN when the path exists; ERR_SHAPE for sizes that are no positive integers.
   * @example
   * const k = s.param('k', [1], uniform(-0.1, 0));
   */
  param(name: string, shape: readonly number[], init: InitSpec, options?: ParamOptions): Param;
  /**
   * A new tensor that is saved with the weights but not trained; every element starts at `value`.
   *
   * @throws as `param`.
   */
  buffer(name: string, shape: readonly number[], value: number): Buffer;
  /** Runs `body` with every node it makes named after this place. */
  within<T>(body: () => T): T;
}

/** The scope of a path in a trace. */
export function scopeOf(trace: Trace, path: string, depth: number): Scope {
  const named = (name: string): string => join(path, name);
  return Object.freeze<Scope>({
    path,
    depth,
    at: (name, inner = depth) => scopeOf(trace, named(name), inner),
    param(name, shape, init, { kind = 'coefficient', decay } = {}) {
      const spec = { path: free(trace, named(name)), shape: sizes(named(name), shape), init, kind, depth };
      const param = { ...spec, ...(decay === undefined ? {} : { decay }), trace };
      trace.params.set(param.path, param);
      return param;
    },
    buffer(name, shape, value) {
      const buffer = { path: free(trace, named(name)), shape: sizes(named(name), shape), value, trace };
      trace.buffers.set(buffer.path, buffer);
      return buffer;
    },
    within: (body) => withPath(trace, path, body),
  });
}

/**
 * The scope of a path as a step left it: `param` finds what the step made, so that an inverse reads the same
 * parameters.
 */
export function replayScope(trace: Trace, path: string, depth: number): Scope {
  const made = <T>(table: ReadonlyMap<string, T>, name: string): T => {
    const found = table.get(join(path, name));
    if (found !== undefined) return found;
    throw new LmError(
      'ERR_GRAPH',
      `Expected a parameter that the step made but received \`${join(path, name)}\``,
    );
  };
  return Object.freeze<Scope>({
    path,
    depth,
    at: (name, inner = depth) => replayScope(trace, join(path, name), inner),
    param: (name) => made(trace.params, name),
    buffer: (name) => made(trace.buffers, name),
    within: (body) => withPath(trace, path, body),
  });
}

function join(path: string, name: string): string {
  if (typeof name !== 'string' || !/^\w+$/.test(name))
    throw expected('ERR_CONFIG', 'a name of letters, digits and _', path === '' ? 'scope' : path, name);
  return path === '' ? name : `${path}.${name}`;
}

function free(trace: Trace, path: string): string {
  checkOpen(trace, path);
  if (!trace.params.has(path) && !trace.buffers.has(path)) return path;
  throw new LmError('ERR_NAME_TAKEN', `Expected a new name for \`${path}\` but it exists already`, {
    hint: 'Give each layer its own scope: s.at("conv1"), s.at("conv2").',
  });
}

function sizes(path: string, shape: readonly number[]): readonly number[] {
  if (shape.length > 0 && shape.every((size) => isSize(size, 1)) && Number.isSafeInteger(elements(shape)))
    return [...shape];
  throw expected('ERR_SHAPE', 'sizes that are positive integers', path, shape);
}
