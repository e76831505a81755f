/** One stage of a picture: its steps in a row, those that are alike folded. */
import type { StepForm, Term } from '../analyze/linearForm.ts';
import { stepForm } from '../analyze/stepForm.ts';
import type { Graph } from '../graph/graph.ts';
import type { GraphSpec } from '../graph/spec.ts';
import { must } from '../must.ts';
import { boxesEnd, type DrawnStep, type Lanes, laneY, type Origin } from './cell.ts';
import { isOne, type Label, labelRing, labelText } from './coefLabel.ts';
import { operations } from './labels.ts';
import { type At, lineThrough, stateMark } from './marks.ts';
import { drawEnter, drawFold, drawStep, mostBoxes, type Piece, stateName } from './step.ts';

/** A drawn stage: how much room it takes below and beside its corner, and its parts from there. */
export interface DrawnStage {
  readonly width: number;
  readonly height: number;
  /** True when some step reads an older state. */
  readonly history: boolean;
  readonly draw: (corner: At) => readonly string[];
}

/** Room for the state that comes in, and for the one that leaves. */
const inset = 54;
const outset = 50;
/** Steps of one kind that are drawn one by one; more are folded. */
const mostAlike = 4;
/** Pieces of a row; more are folded by their period, or in the middle. */
const mostItems = 8;

/** The steps of a graph with their forms. */
export function drawnSteps(graph: Graph): DrawnStep[] {
  const { nodes } = graph;
  const channels = graph.shapes().map((shape) => must(shape[1]));
  return graph.steps.map((step): DrawnStep => {
    return { step, form: stepForm({ nodes, step, channels, ring: labelRing(graph, step.n) }) };
  });
}

/** Lays out the steps of one stage. */
export function drawStage(graph: GraphSpec, steps: readonly DrawnStep[]): DrawnStage {
  const own = variables(steps);
  const memory = Math.max(...steps.map(({ form }) => form.states.length)) - own.length;
  const older = steps.some(({ form }) =>
    form.after.some(({ terms }, j) => j > 0 && terms[0]?.from === 'field'),
  );
  const y = 34 + (memory > 0 && !older ? 6 + 32 * memory : 0);
  const second = y + boxesEnd + 66;
  const height = own.length > 1 ? second + 40 : y + boxesEnd + (older ? 40 : 24 + below(steps));
  const at = (corner: At): Piece => {
    const lanes = { y: corner.y + y, second: corner.y + second, own };
    return drawRow(graph, steps, lanes, corner.x + inset);
  };
  return {
    width: at({ x: 0, y: 0 }).x + outset,
    height,
    history: memory > 0,
    draw: (corner) => at(corner).parts,
  };
}

function drawRow(graph: GraphSpec, steps: readonly DrawnStep[], lanes: Lanes, x: number): Piece {
  const first = must(steps[0]);
  const origins = Array.from({ length: first.form.states.length }, (_, j): Origin => {
    const lane = lanes.own.indexOf(j);
    return { x: lane < 0 ? x - 24 * j : x, y: laneY(lanes, Math.max(lane, 0)), kind: 'sum' };
  });
  const n = first.step.n;
  const parts = lanes.own.flatMap((_, lane) => entry({ x, y: laneY(lanes, lane) }, lane, n));
  let piece: Piece = { parts: [], x, origins };
  const enter = enterName(graph, first.step.stage);
  const add = (next: Piece): void => {
    parts.push('<g>', ...next.parts, '</g>');
    piece = next;
  };
  if (enter !== '' && !first.step.transition) add(drawEnter(enter, lanes, piece));
  for (const item of shown(steps)) {
    add(typeof item === 'number' ? drawFold(item, lanes, piece) : drawStep(graph, item, lanes, piece));
    if (enter !== '' && typeof item !== 'number' && item.step.transition) add(drawEnter(enter, lanes, piece));
  }
  const leave = (y: number): string => lineThrough([piece.x + 8, y, piece.x + 42, y], { arrow: true });
  parts.push(...lanes.own.map((_, lane) => leave(laneY(lanes, lane))));
  return { ...piece, parts };
}

/** What the scheme does to the state at the start of a stage, beside taking it apart. */
function enterName(graph: GraphSpec, stage: number): string {
  const path = `stage${stage}.enter`;
  const ids = [...graph.nodes.keys()].filter((i) => {
    const node = graph.nodes[i];
    const plumbing = node === undefined || ['lin', 'slice', 'concat'].includes(node.op);
    return !plumbing && (node.path === path || node.path.startsWith(`${path}.`));
  });
  return operations(graph, ids).join(' ');
}

function entry(at: At, lane: number, n: number): string[] {
  const name = stateName(lane, n, { x: at.x - 12, y: at.y });
  return [lineThrough([at.x - 40, at.y, at.x, at.y]), stateMark(at), name];
}

/** Room for the arrows of f that pass below other boxes. */
function below(steps: readonly DrawnStep[]): number {
  const few = steps.filter(({ form }) => form.fields.length <= mostBoxes);
  const sources = few.flatMap(({ form }) =>
    form.fields.flatMap(({ input }, i) =>
      input.flatMap((t) => (t.from === 'field' && t.i < i - 1 ? [t.i] : [])),
    ),
  );
  return sources.length === 0 ? 0 : 12 + 13 * Math.max(...sources);
}

/** The steps to draw, and how many are left out between them. */
function shown(steps: readonly DrawnStep[]): (DrawnStep | number)[] {
  const items = runs(steps).flatMap(folded);
  if (items.length <= mostItems) return items;
  const keys = steps.map(likeness);
  const from = steps[0]?.step.transition ? 1 : 0;
  const period = [2, 3, 4].find((p) => keys.slice(from + p).every((key, i) => key === keys[from + i]));
  const [first, last] = period === undefined ? [from + 2, 2] : [from + period, period];
  return [...steps.slice(0, first), steps.length - first - last, ...steps.slice(-last)];
}

/** Runs of steps that differ in their number and weights only. */
function runs(steps: readonly DrawnStep[]): DrawnStep[][] {
  const out: { key: string; run: DrawnStep[] }[] = [];
  for (const item of steps) {
    const key = likeness(item);
    const last = out.at(-1);
    if (last?.key === key) last.run.push(item);
    else out.push({ key, run: [item] });
  }
  return out.map(({ run }) => run);
}

/** Equal for steps that differ in their number, their weights and the values of fixed coefficients only. */
function likeness({ step: { transition }, form }: DrawnStep): string {
  const kind = (coef: Label): string =>
    isOne(coef) ? '1' : labelText(coef).replaceAll(/[\d.₀-₉½⅓⅔¼¾⅙⅛⅜]+/g, '#');
  const terms = (list: readonly Term<Label>[]): string =>
    list.map(({ from, i, coef }) => `${from}${i}${kind(coef)}`).join();
  const states = form.after.map((state) => terms(state.terms));
  return JSON.stringify([transition, states, form.fields.map((field) => terms(field.input))]);
}

/** The first ones, how many are left out, and the last; steps with many f fold sooner. */
function folded(run: readonly DrawnStep[]): (DrawnStep | number)[] {
  const many = must(run[0]).form.fields.length > 2;
  const [most, first] = many ? [2, 1] : [mostAlike, 2];
  if (run.length <= most) return [...run];
  return [...run.slice(0, first), run.length - first - 1, ...run.slice(-1)];
}

/** States that are no memory in any step of a stage, the first one always. */
function variables(steps: readonly DrawnStep[]): number[] {
  const inner = steps.filter(({ step }) => !step.transition).map(({ form }) => form);
  const most = Math.max(1, ...inner.map((form) => form.after.length));
  const isVariable = (j: number): boolean =>
    inner.some((form) => !isMemory(form.after[j]?.terms ?? [])) &&
    inner.every((form) => form.states[j] !== undefined);
  return Array.from({ length: most }, (_, j) => j).filter((j) => j === 0 || isVariable(j));
}

function isMemory(terms: StepForm<Label>['after'][number]['terms']): boolean {
  const [only] = terms;
  return terms.length === 1 && only !== undefined && labelText(only.coef) === '1';
}
