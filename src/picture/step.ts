/**
 * One step of a picture: lanes of states from left to right, boxes of f below the first lane, arcs of history
 * above it.
 */
import type { StepForm, Term } from '../analyze/linearForm.ts';
import type { GraphSpec } from '../graph/spec.ts';
import { must } from '../must.ts';
import {
  boxesEnd,
  boxLeft,
  boxSize,
  type Cell,
  columnWidth,
  type DrawnStep,
  isLinked,
  type Lanes,
  laneY,
  type Origin,
  type Result,
  tapOffset,
} from './cell.ts';
import { isOne, type Label, labelText, subscript } from './coefLabel.ts';
import { drawFields } from './fields.ts';
import { operations } from './labels.ts';
import { type At, arc, box, ink, lineThrough, stateMark, stroke, sumMark, sumRadius, tag } from './marks.ts';
import { text } from './text.ts';

/** A drawn piece of a row: its parts, where it ends, and where its states are then. */
export interface Piece {
  readonly parts: readonly string[];
  readonly x: number;
  readonly origins: readonly Origin[];
}

/** More evaluations than this are one box. */
export const mostBoxes = 6;
/** Room for the name of a state, of four digits at most, beside its mark. */
const nameWidth = 40;
/** Room for an operation behind the sum, or behind a state. */
const postWidth = nameWidth + 54;

/** Draws a step whose states are found at `origins`. */
export function drawStep(
  graph: GraphSpec,
  drawn: DrawnStep,
  lanes: Lanes,
  { x, origins }: Pick<Piece, 'x' | 'origins'>,
): Piece {
  const { form, step } = drawn;
  const results = form.after.map(({ terms }) => resultOf(terms, form));
  const columns = form.fields.length > mostBoxes ? 1 : Math.max(1, form.fields.length);
  const begin = x + otherWidth(graph, form, results);
  const end = begin + columns * columnWidth;
  const cell: Cell = { graph, drawn, lanes, origins, x, begin, columns, end, results };
  const last = end + (results[0]?.post === undefined ? 0 : postWidth);
  const parts = [
    ...lanes.own.flatMap((j, lane) => drawLane(cell, j, laneY(lanes, lane))),
    ...drawFields(cell),
    ...(isLinked(cell)
      ? [lineThrough([end, lanes.second - sumRadius, end, lanes.y + sumRadius + 1], { arrow: true })]
      : []),
    ...lanes.own.flatMap((j, lane) => drawSums(cell, j, laneY(lanes, lane))),
    ...lanes.own.map((_, lane) => stateName(lane, step.n + 1, { x: last, y: laneY(lanes, lane) })),
  ];
  return { parts, x: last, origins: originsAfter(cell, last) };
}

/** Name of a state below its mark. */
export function stateName(lane: number, n: number, { x, y }: At): string {
  return text(`${lane === 0 ? 'u' : 'v'}${subscript(n)}`, x + 7, y + 19, { size: 13, color: ink.text });
}

function resultOf(terms: readonly Term<Label>[], { others }: StepForm<Label>): Result {
  const [only] = terms;
  const post = terms.length === 1 && only?.from === 'other' ? others[only.i] : undefined;
  if (post === undefined || !post.input.some(({ from }) => from === 'field'))
    return { terms, post: undefined };
  return { terms: post.input, post };
}

/** The trunk of a lane: its own state, or what is put in its place, carried to the end. */
function drawLane(cell: Cell, j: number, y: number): string[] {
  const { x, begin, end, results } = cell;
  const terms = results[j]?.terms ?? [];
  const own = terms.find(({ from, i }) => from === 'state' && i === j);
  const other = terms.find(({ from }) => from === 'other');
  const tip = end - (terms.length > 1 ? sumRadius : 4);
  if (other !== undefined) return drawOther(cell, other, y, tip);
  if (own === undefined) return [lineThrough([x, y, begin + boxLeft + tapOffset, y])];
  const middle = (begin + (sums(cell, j)[0] ?? end)) / 2;
  const style = { anchor: 'middle', size: 12.5, color: ink.text } as const;
  const label = isOne(own.coef) ? [] : [text(labelText(own.coef), middle, y - 8, style)];
  return [lineThrough([x, y, tip, y], { arrow: true }), ...label];
}

/** Operations in place of the state, such as a projection to another width. */
function drawOther(
  { graph, drawn, x, begin }: Cell,
  { i, coef }: Term<Label>,
  y: number,
  tip: number,
): string[] {
  const lines = otherLines(graph, drawn.form, i);
  const label = isOne(coef) ? [] : [tag(labelText(coef), { x: begin + 30, y: y - 14 }, ink.text)];
  return [
    lineThrough([x, y, x + 36, y], { arrow: true }),
    box({ x: x + 36, y: y - 21 }, { width: begin - 48 - x, height: 42 }, lines, 'other'),
    lineThrough([begin - 12, y, tip, y], { arrow: true }),
    stateMark({ x: begin, y }),
    ...label,
  ];
}

/** Room for what stands in place of the states of a step, as wide as its text. */
function otherWidth(graph: GraphSpec, form: StepForm<Label>, results: readonly Result[]): number {
  const used = results.flatMap(({ terms }) => terms.filter(({ from }) => from === 'other'));
  if (used.length === 0) return 0;
  const widths = used.map(({ i }) => {
    const [main = '', rest = ''] = otherLines(graph, form, i);
    return Math.max(94, 8.3 * main.length + 16, 6.1 * rest.length + 16);
  });
  return Math.max(...widths) + 48;
}

/** What stands in place of a state; where it is put together from several parts, how many. */
function otherLines(graph: GraphSpec, { after, others }: StepForm<Label>, i: number): string[] {
  const parts = after.filter(({ of, terms }) => of === 0 && terms.some(({ from }) => from === 'other'));
  if (parts.length > 1) return [`${parts.length} branches`, 'concat'];
  return twoLines(operations(graph, must(others[i]).nodes));
}

/** The convolution, or the last operation, above; the others below. */
function twoLines(names: readonly string[]): string[] {
  const conv = names.findLastIndex((name) => name.startsWith('conv'));
  const at = conv < 0 ? names.length - 1 : conv;
  const [main = '', more = ''] = (names[at] ?? '').split(', ');
  const line = [names.toSpliced(at, 1).join(' '), more].filter((word) => word !== '').join(', ');
  return [main, line === '' ? ' ' : line.length > 34 ? `${line.slice(0, 33)}…` : line];
}

/** Places of the sums of a lane: the ends of the columns whose f it adds, the last one always. */
function sums({ results, begin, columns, end, drawn }: Cell, j: number): number[] {
  if (columns < drawn.form.fields.length) return [end];
  const fields = (results[j]?.terms ?? []).filter(({ from }) => from === 'field');
  const ends = fields.map(({ i }) => begin + (i + 1) * columnWidth);
  return [...new Set([...ends, end])].toSorted((a, b) => a - b);
}

/** Sums of a lane, and the arrows of the states that arrive there beside its own. */
function drawSums(cell: Cell, j: number, y: number): string[] {
  const { results, end } = cell;
  const { terms = [] } = results[j] ?? {};
  const marks = terms.length > 1 ? sums(cell, j).map((x) => sumMark({ x, y })) : [stateMark({ x: end, y })];
  const older = terms.filter(({ from, i }) => from === 'state' && i !== j);
  return [...older.flatMap((term) => arrival(cell, term, { x: end, y })), ...marks, ...drawPost(cell, j, y)];
}

/** The arrow of a state that is not the lane's own: history, or another lane. */
function arrival(cell: Cell, { i, coef }: Term<Label>, at: At): string[] {
  const { lanes, origins } = cell;
  const label = isOne(coef) ? '' : labelText(coef);
  const origin = origins[i];
  if (origin === undefined) return [];
  if (lanes.own.includes(i)) return isLinked(cell) ? [] : crossing(origin, at, label);
  return origin.kind === 'box' ? fromBox(origin, at, label) : arc(origin, at, 34 + 32 * (i - 1), label);
}

/** An operation behind the sum. */
function drawPost({ graph, results, end }: Cell, j: number, y: number): string[] {
  const post = results[j]?.post;
  return post === undefined ? [] : behind(operations(graph, post.nodes).join(' '), { x: end, y });
}

function behind(name: string, { x, y }: At): string[] {
  return [
    lineThrough([x + sumRadius, y, x + nameWidth, y], { arrow: true }),
    box({ x: x + nameWidth, y: y - 13 }, { width: 42, height: 26 }, [name], 'other'),
    lineThrough([x + nameWidth + 42, y, x + postWidth, y]),
    stateMark({ x: x + postWidth, y }),
  ];
}

/** What a scheme does to the newest state at the start of a stage. */
export function drawEnter(name: string, { y }: Lanes, { x, origins }: Pick<Piece, 'x' | 'origins'>): Piece {
  const end = x + postWidth;
  return {
    parts: behind(name, { x, y }),
    x: end,
    origins: origins.map((origin, j) => (j === 0 ? { ...origin, x: end } : origin)),
  };
}

/** A state of another lane that is added here. */
function crossing(from: At, to: At, label: string): string[] {
  const middle = { x: from.x + 0.8 * (to.x - from.x), y: from.y + 0.8 * (to.y - from.y) };
  const line = lineThrough([from.x, from.y, to.x - 7, to.y + (from.y > to.y ? 7 : -7)], { arrow: true });
  return [line, ...(label === '' ? [] : [tag(label, middle, ink.text)])];
}

/** An older value of f: below the boxes and up to the sum. */
function fromBox(from: At, to: At, label: string): string[] {
  const low = to.y + boxesEnd + 16;
  const x = to.x - 14;
  const places = [from.x, from.y, from.x, low, x, low, x, to.y + 14, to.x - 6, to.y + 7];
  const line = lineThrough(places, { color: 'history', dashed: true, arrow: true });
  return [line, ...(label === '' ? [] : [tag(label, { x: (from.x + x) / 2, y: low })])];
}

/** Where the states after the step are found. */
function originsAfter({ drawn, lanes, origins, begin }: Cell, x: number): Origin[] {
  return drawn.form.after.map(({ terms }, j): Origin => {
    const lane = lanes.own.indexOf(j);
    if (lane >= 0) return { x, y: laneY(lanes, lane), kind: 'sum' };
    const [term] = terms;
    if (term?.from === 'state') return origins[term.i] ?? { x, y: lanes.y, kind: 'sum' };
    if (term?.from !== 'field') return { x: begin, y: lanes.y, kind: 'sum' };
    const middle = begin + term.i * columnWidth + boxLeft + boxSize.width / 2;
    return { x: middle, y: lanes.y + boxesEnd, kind: 'box' };
  });
}

/** Steps that are left out: dotted lanes, and how many. */
export function drawFold(count: number, lanes: Lanes, { x, origins }: Pick<Piece, 'x' | 'origins'>): Piece {
  const end = x + 138;
  const parts = lanes.own.flatMap((_, lane) => {
    const y = laneY(lanes, lane);
    const many = lane === 0 ? [tag(`× ${count} more`, { x: x + 62, y }, ink.text)] : [];
    return [stroke(`M${x + sumRadius} ${y}H${end - 6}`, { dashed: true }), ...many, stateMark({ x: end, y })];
  });
  const ghosts = origins.map((origin, j): Origin => {
    const lane = lanes.own.indexOf(j);
    if (lane >= 0) return { x: end, y: laneY(lanes, lane), kind: 'sum' };
    return { x: end - 18 * j, y: origin.kind === 'box' ? lanes.y + boxesEnd : lanes.y, kind: origin.kind };
  });
  return { parts, x: end, origins: ghosts };
}
