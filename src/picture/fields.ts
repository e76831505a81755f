/** The boxes of f below the first lane of a step, and the arrows into and out of them. */
import type { Applied, Term } from '../analyze/linearForm.ts';
import { must } from '../must.ts';
import {
  boxDrop,
  boxesEnd,
  boxLeft,
  boxSize,
  type Cell,
  columnWidth,
  includes,
  isLinked,
  tapOffset,
} from './cell.ts';
import { isOne, type Label, labelText } from './coefLabel.ts';
import { fieldName, kernelsOf } from './labels.ts';
import { box, ink, lineThrough, sumRadius, tag } from './marks.ts';
import { text } from './text.ts';

const look = { color: 'boxBorder', arrow: true } as const;

/** All boxes of a step. */
export function drawFields(cell: Cell): string[] {
  const { graph, drawn, lanes } = cell;
  const { form, step } = drawn;
  if (cell.columns < form.fields.length) return drawMany(cell);
  const arrows = form.fields.flatMap((field, i) => [...drawInputs(cell, field, i), ...drawOutputs(cell, i)]);
  const boxes = form.fields.map(({ of }, i) => {
    const kernels = kernelsOf(graph, must(step.fields[of]).path);
    const corner = { x: leftOf(cell, i), y: lanes.y + boxDrop };
    return box(corner, boxSize, [fieldName(graph, step, i), kernels === '' ? ' ' : kernels]);
  });
  return [...arrows, ...boxes, ...form.fields.flatMap((field, i) => inputLabels(cell, field, i))];
}

function leftOf({ begin }: Cell, i: number): number {
  return begin + i * columnWidth + boxLeft;
}

function middleOf({ lanes }: Cell): number {
  return lanes.y + boxDrop + boxSize.height / 2;
}

/** A step with very many evaluations: one box that says how many. */
function drawMany(cell: Cell): string[] {
  const { drawn, end, lanes } = cell;
  const [left, middle] = [leftOf(cell, 0), middleOf(cell)];
  const right = left + boxSize.width;
  const lines = [`${drawn.form.fields.length} × f`, drawn.step.scheme.slice(0, 14)];
  return [
    fromTrunk(cell, 0),
    lineThrough([right, middle, end, middle, end, lanes.y + sumRadius + 1], look),
    box({ x: left, y: lanes.y + boxDrop }, boxSize, lines),
  ];
}

/** Arrows into box i. */
function drawInputs(cell: Cell, { input }: Applied<Label>, i: number): string[] {
  const { lanes } = cell;
  const [left, top] = [leftOf(cell, i), lanes.y + boxDrop];
  if (isPartialSum(cell, input, i))
    return [lineThrough([left + tapOffset, lanes.y, left + tapOffset, top], look)];
  return input.flatMap(({ from, i: source }) => {
    if (from === 'field') return [fromField(cell, source, i)];
    if (from !== 'state') return [];
    if (lanes.own[1] === source) {
      return [fromSecond(cell, source, left + boxSize.width / 2)];
    }
    return source === 0 ? [fromTrunk(cell, i)] : [];
  });
}

/**
 * From the state before the step: straight into the first box, along a line below the lane into the others.
 */
function fromTrunk(cell: Cell, i: number): string {
  const { y } = cell.lanes;
  const [x, top] = [leftOf(cell, i) + tapOffset, y + boxDrop];
  if (isReplaced(cell, 0)) {
    const [before, low] = [cell.x + 16, y + boxDrop - 13 - 3 * i];
    return lineThrough([before, y, before, low, x, low, x, top], look);
  }
  if (i === 0) return lineThrough([x, y, x, top], look);
  const [start, bus] = [leftOf(cell, 0) - 6, y + 20];
  return lineThrough([start, y, start, bus, x, bus, x, top], look);
}

/** From state j before the step, on the second lane, up into a box. */
function fromSecond(cell: Cell, j: number, x: number): string {
  const { y, second } = cell.lanes;
  const bottom = y + boxesEnd;
  if (!isReplaced(cell, j)) return lineThrough([x, second, x, bottom], look);
  const [before, high] = [cell.x + 16, second - 31];
  return lineThrough([before, second, before, high, x, high, x, bottom], look);
}

/**
 * True where an operation stands in place of the state, such as a projection: f reads the state before it.
 */
function isReplaced({ results }: Cell, j: number): boolean {
  return results[j]?.terms.some(({ from }) => from === 'other') ?? false;
}

/** True when the argument of f is what the first lane has summed so far. */
function isPartialSum({ results, drawn }: Cell, input: readonly Term<Label>[], column: number): boolean {
  const sofar = must(results[0]).terms.filter(({ from, i }) => from !== 'field' || i < column);
  if (drawn.form.fields.length < 2 || sofar.length < 2) return false;
  return sofar.length === input.length && sofar.every((term) => includes(input, term));
}

/** The way from an earlier box: straight from the one beside it, below the boxes from one further away. */
function fromField(cell: Cell, source: number, i: number): string {
  const middle = middleOf(cell);
  const [right, left] = [leftOf(cell, source) + boxSize.width, leftOf(cell, i)];
  if (source === i - 1) return lineThrough([right, middle, left, middle], look);
  const bottom = middle + boxSize.height / 2;
  const low = lowOf(cell, source);
  const [x, to] = [right - 18, left + 20 + 12 * source];
  return lineThrough([x, bottom, x, low, to, low, to, bottom], look);
}

function lowOf({ lanes }: Cell, source: number): number {
  return lanes.y + boxesEnd + 12 + 13 * source;
}

/** Coefficients of earlier evaluations in the argument of box i; above all lines. */
function inputLabels(cell: Cell, { input }: Applied<Label>, i: number): string[] {
  if (isPartialSum(cell, input, i)) return [];
  return input.flatMap(({ from, i: source, coef }) => {
    if (from !== 'field' || isOne(coef)) return [];
    const left = leftOf(cell, i);
    const before = leftOf(cell, source) + boxSize.width;
    const beside = { x: (before + left) / 2 + 4, y: middleOf(cell) };
    const below = { x: left + 12 * source - 2, y: lowOf(cell, source) };
    return [tag(labelText(coef), source === i - 1 ? beside : below, ink.boxBorder)];
  });
}

/** Arrows from box i to the sums it is part of. */
function drawOutputs(cell: Cell, i: number): string[] {
  const { lanes, results } = cell;
  const linked = isLinked(cell);
  return lanes.own.flatMap((j, lane) => {
    const term = results[j]?.terms.find(({ from, i: source }) => from === 'field' && source === i);
    if (term === undefined || (lane === 0 && linked)) return [];
    const label = isOne(term.coef) ? '' : labelText(term.coef);
    return lane === 0 ? upwards(cell, i, label) : downwards(cell, i, label);
  });
}

function upwards(cell: Cell, i: number, label: string): string[] {
  const { y } = cell.lanes;
  const [left, middle] = [leftOf(cell, i), middleOf(cell)];
  const end = left - boxLeft + columnWidth;
  const line = lineThrough([left + boxSize.width, middle, end, middle, end, y + sumRadius + 1], look);
  return [line, ...coefficient(label, end - 19, y + 36)];
}

/** To the second lane: from the bottom of the box, slanting into the sum. */
function downwards(cell: Cell, i: number, label: string): string[] {
  const { y, second } = cell.lanes;
  const left = leftOf(cell, i);
  const x = left + boxSize.width - 16;
  const end = left - boxLeft + columnWidth;
  const line = lineThrough([x, y + boxDrop + boxSize.height, x, second - 30, end - 7, second - 7], look);
  return [line, ...coefficient(label, x - 8, second - 38)];
}

function coefficient(label: string, x: number, y: number): string[] {
  return label === '' ? [] : [text(label, x, y, { anchor: 'end', size: 12.5, color: ink.boxBorder })];
}
