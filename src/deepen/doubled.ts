/** A graph of twice the depth: every step in one space becomes two of half its length. */
import { Graph } from '../graph/graph.ts';
import type { BufferSpec, CoefSpec, InverseRecord, NodeSpec, ParamSpec, StepRecord } from '../graph/spec.ts';
import { must } from '../must.ts';

/** A graph of twice the depth, and where each of its tensors comes from. */
export interface Doubled {
  readonly graph: Graph;
  /** Paths of parameters and buffers: here, and in the graph it was made from. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Which of the two steps that one step becomes. */
type Copy = 0 | 1;
/** Where a step lies in the deep graph. */
type Place = Pick<StepRecord, 'path' | 'n' | 'N' | 't'>;

/**
 * Doubles the depth of a graph of one- and two-step schemes: its tables and records, for no weight is known
 * here. A step in one space becomes two. A step between stages stays one, for its states lie in two spaces.
 *
 * A two-step scheme then finds its older state v half a step behind the newest one, u. Where a step between
 * stages reads an older state, it is given 2 v - u, which lies a whole step behind. Where a later step reads
 * the older state w that a step between stages leaves, it is given (u + w) / 2, half a step behind.
 */
export function doubled(graph: Graph): Doubled {
  return new Doubling(graph).result();
}

class Doubling {
  readonly #graph: Graph;
  /** The last node that reads each; -1 for none. */
  readonly #lastRead: Int32Array;
  readonly #byPath: ReadonlyMap<string, StepRecord>;
  readonly #places: ReadonlyMap<StepRecord, readonly [Place, Place]>;
  readonly #params: Table<ParamSpec>;
  readonly #buffers: Table<BufferSpec>;
  readonly #nodes: NodeSpec[] = [];
  readonly #coefs: CoefSpec[] = [];
  readonly #distinct = new Map<string, number>();
  readonly #coefPlaces = new Map<string, number>();
  readonly #steps: StepRecord[] = [];
  /** Nodes of the shallow graph, and the node of the deep one that has its value at this point. */
  readonly #at = new Map<number, number>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#lastRead = new Int32Array(graph.nodes.length).fill(-1);
    for (const [i, { inputs }] of graph.nodes.entries())
      for (const input of inputs) this.#lastRead[input] = i;
    this.#byPath = new Map(graph.steps.toReversed().map((step) => [step.path, step])); // the first of a path
    this.#places = placesOf(graph.steps);
    this.#params = this.#table(graph.params);
    this.#buffers = this.#table(graph.buffers);
  }

  result(): Doubled {
    const { version, name, input, nodes, output } = this.#graph;
    for (const { step, first, items } of this.#runs(nodes)) {
      if (step === undefined) this.#emit(items, first, 0);
      else if (step.transition) this.#transition(step, items, first);
      else this.#twice(step, items, first);
    }
    const spec = {
      version,
      input,
      name: `${name}_x2`,
      nodes: this.#nodes,
      coefs: this.#coefs,
      steps: this.#steps,
      params: this.#params.items.map(([item, copy]) => this.#renamed(item, copy)),
      buffers: this.#buffers.items.map(([item, copy]) => this.#renamed(item, copy)),
      output: this.#now(output),
    };
    const tensors = [...this.#params.items, ...this.#buffers.items];
    const origins = new Map(tensors.map(([{ path }, copy]) => [this.#path(path, copy), path]));
    return { graph: Graph.fromSpec(spec), origins };
  }

  /** A step in one space, twice: the second begins with the states after the first. */
  #twice(step: StepRecord, items: readonly NodeSpec[], first: number): void {
    const halves = [0, 1] as const;
    for (const copy of halves) {
      const before = step.before.map((node) => this.#now(node));
      this.#emit(items, first, copy);
      this.#steps.push(this.#record(step, copy, before));
      const after = step.after.map((node) => this.#now(node));
      if (copy === 0)
        step.before.forEach((node, j) => {
          this.#at.set(node, after[j] ?? this.#now(node));
        });
    }
  }

  /** A step between stages, once; what becomes of older states, see `doubled`. */
  #transition(step: StepRecord, items: readonly NodeSpec[], first: number): void {
    const [newest, ...older] = [must(step.before[0]), ...step.before.slice(1)];
    const before = step.before.map((node) => this.#now(node));
    const { path } = this.#placeOf(step, 0);
    for (const node of older)
      if (items.some(({ inputs }) => inputs.includes(node))) this.#between(path, node, 2, newest, -1);
    this.#emit(items, first, 0);
    const [result, ...past] = [must(step.after[0]), ...step.after.slice(1)];
    for (const node of past)
      if (must(this.#lastRead[node]) >= first + items.length) this.#between(path, node, 0.5, result, 0.5);
    this.#steps.push(this.#record(step, 0, before));
  }

  /** From here on a · node + b · other stands for `node`. */
  #between(path: string, node: number, a: number, other: number, b: number): void {
    const coefs = [a, b].map((value) => this.#place({ kind: 'constant', value }));
    const inputs = [this.#now(node), this.#now(other)];
    const id = this.#nodes.push({ op: 'lin', path, inputs, params: [], buffers: [], coefs, attrs: {} }) - 1;
    this.#at.set(node, id);
  }

  #emit(items: readonly NodeSpec[], first: number, copy: Copy): void {
    for (const [i, node] of items.entries()) {
      const inputs = node.inputs.map((input) => this.#now(input));
      this.#at.set(first + i, this.#nodes.push({ ...this.#node(node, copy), inputs }) - 1);
    }
  }

  /** A node with the parameters, buffers, coefficients and draws of a copy. */
  #node(node: NodeSpec, copy: Copy): NodeSpec {
    const { group } = node.attrs;
    const attrs = typeof group === 'string' ? { ...node.attrs, group: this.#path(group, copy) } : node.attrs;
    return {
      ...this.#renamed(node, copy),
      attrs,
      params: node.params.map((i) => this.#params.at(i, copy)),
      buffers: node.buffers.map((i) => this.#buffers.at(i, copy)),
      coefs: node.coefs.map((i) => this.#coef(i, copy)),
    };
  }

  #record(step: StepRecord, copy: Copy, before: readonly number[]): StepRecord {
    const { inverse, ...rest } = step;
    const now = (i: number): number => this.#now(i);
    return {
      ...rest,
      ...this.#placeOf(step, copy),
      before,
      after: step.after.map(now),
      fields: step.fields.map(({ path, input, output }) => ({
        path: this.#path(path, copy),
        input: now(input),
        output: now(output),
      })),
      params: step.params.map((i) => this.#params.at(i, copy)),
      ...(inverse === undefined ? {} : { inverse: this.#inverse(inverse, copy) }),
    };
  }

  #inverse(inverse: InverseRecord, copy: Copy): InverseRecord {
    const now = (i: number): number => (i < 0 ? i : this.#now(i));
    const nodes = inverse.nodes.map((node) => ({ ...this.#node(node, copy), inputs: node.inputs.map(now) }));
    return { nodes, before: inverse.before.map(now) };
  }

  #coef(i: number, copy: Copy): number {
    const key = `${i} ${copy}`; // an expression may share parts: each is copied once
    const known = this.#coefPlaces.get(key) ?? this.#copied(i, copy);
    this.#coefPlaces.set(key, known);
    return known;
  }

  #copied(i: number, copy: Copy): number {
    const coef = must(this.#graph.coefs[i]);
    if (coef.kind === 'constant') return this.#place(coef);
    if (coef.kind === 'param')
      return this.#place({ kind: 'param', param: this.#params.at(coef.param, copy) });
    const part = (of: number): number => this.#coef(of, copy);
    if (coef.kind === 'sum' || coef.kind === 'product')
      return this.#place({ kind: coef.kind, of: [part(coef.of[0]), part(coef.of[1])] });
    return this.#place({ kind: coef.kind, of: [part(coef.of[0])] });
  }

  /** Number of a coefficient, each distinct one once. */
  #place(coef: CoefSpec): number {
    const key = JSON.stringify(coef);
    const known = this.#distinct.get(key) ?? this.#coefs.push(coef) - 1;
    this.#distinct.set(key, known);
    return known;
  }

  #now(node: number): number {
    return must(this.#at.get(node));
  }

  #placeOf(step: StepRecord, copy: Copy): Place {
    return must(this.#places.get(step))[copy];
  }

  #stepOf(path: string): StepRecord | undefined {
    for (let end = path.indexOf('.'); end >= 0; end = path.indexOf('.', end + 1)) {
      const step = this.#byPath.get(path.slice(0, end));
      if (step !== undefined) return step;
    }
    return this.#byPath.get(path);
  }

  #path(path: string, copy: Copy): string {
    const step = this.#stepOf(path);
    return step === undefined ? path : this.#placeOf(step, copy).path + path.slice(step.path.length);
  }

  /** An item with the path of its copy; a parameter has the depth of that step too. */
  #renamed<T extends { readonly path: string }>(item: T, copy: Copy): T {
    const step = this.#stepOf(item.path);
    const path = this.#path(item.path, copy);
    return step !== undefined && 'depth' in item
      ? { ...item, path, depth: this.#placeOf(step, copy).t }
      : { ...item, path };
  }

  /** Items, cut where the step changes that they belong to. */
  #runs<T extends { readonly path: string }>(items: readonly T[]): Run<T>[] {
    const runs: (Run<T> & { readonly items: T[] })[] = [];
    for (const [i, item] of items.entries()) {
      const step = this.#stepOf(item.path);
      const last = runs.at(-1);
      if (last !== undefined && last.step === step) last.items.push(item);
      else runs.push({ step, first: i, items: [item] });
    }
    return runs;
  }

  #table<T extends { readonly path: string }>(list: readonly T[]): Table<T> {
    const order = this.#runs(list).flatMap(({ step, first, items }) => {
      const copies: readonly Copy[] = step === undefined || step.transition ? [0] : [0, 1];
      return copies.flatMap((copy) => items.map((item, i) => ({ item, i: first + i, copy })));
    });
    const places = new Map(order.map(({ i, copy }, place) => [`${i} ${copy}`, place]));
    return {
      items: order.map(({ item, copy }) => [item, copy]),
      at: (i, copy) => places.get(`${i} ${copy}`) ?? must(places.get(`${i} 0`)),
    };
  }
}

/** Items of one step, or of none, that follow each other. */
interface Run<T> {
  readonly step: StepRecord | undefined;
  readonly first: number;
  readonly items: readonly T[];
}

/**
 * The parameters or buffers of the deep graph: what each is a copy of, and where the copies of an item are.
 */
interface Table<T> {
  readonly items: readonly (readonly [item: T, copy: Copy])[];
  readonly at: (item: number, copy: Copy) => number;
}

/** Paths and numbers of the two steps that each step becomes; of a step between stages the first counts. */
function placesOf(steps: readonly StepRecord[]): Map<StepRecord, readonly [Place, Place]> {
  const N = steps.reduce((sum, { transition }) => sum + (transition ? 1 : 2), 0);
  const places = new Map<StepRecord, readonly [Place, Place]>();
  let n = 0;
  let [stage, inStage] = [Number.NaN, 0];
  for (const step of steps) {
    if (step.stage !== stage) [stage, inStage] = [step.stage, 0];
    const place = (copy: number): Place => {
      const path = step.path.replace(/\d+$/, String(inStage + copy));
      return { path, n: n + copy, N, t: N > 1 ? (n + copy) / (N - 1) : 0 };
    };
    places.set(step, [place(0), place(1)]);
    const copies = step.transition ? 1 : 2;
    [n, inStage] = [n + copies, inStage + copies];
  }
  return places;
}
