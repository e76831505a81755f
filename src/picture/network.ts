/** The picture of a network: its steps in stages, with the arrows of states and of history. */
import type { Graph } from '../graph/graph.ts';
import type { StepRecord } from '../graph/spec.ts';
import { type Summary, summary } from '../graph/summary.ts';
import { must } from '../must.ts';
import { subscript } from './coefLabel.ts';
import { operations } from './labels.ts';
import { type At, box, defs, ink, lineThrough } from './marks.ts';
import { drawnSteps, drawStage } from './stage.ts';
import { fixed, text } from './text.ts';

/** A panel of the picture: a title, facts at its right end, and what is in it. */
interface Panel {
  readonly title: string;
  readonly facts: readonly string[];
  readonly width: number;
  readonly height: number;
  /** Its parts, from the corner below the title. */
  readonly draw: (corner: At) => readonly string[];
}

const margin = 28;
const titleHeight = 34;
const fonts = 'Inter, Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif';

/**
 * Draws a network from its graph: stem, stages and head as panels; every step with its evaluations of f
 * (boxes), the states (solid arrows), the history (dashed arrows) and the coefficients. Steps in a row that
 * are alike are folded: the first and the last are shown.
 *
 * @returns an SVG document on a light background.
 * @example
 * await writeFile('lm_resnet20.svg', drawNetwork(preset('lm_resnet20')));
 */
export function drawNetwork(graph: Graph): string {
  const sizes = summary(graph);
  const stages = stagePanels(graph, sizes);
  const panels = [chainPanel(graph, sizes, 'stem'), ...stages.panels, chainPanel(graph, sizes, 'head')];
  const inner = Math.max(840, ...panels.map((panel) => panel.width));
  const parts = heading(graph, sizes);
  let y = 96;
  for (const panel of panels) {
    parts.push(...drawPanel(panel, { x: margin, y }, inner));
    y += titleHeight + panel.height + 14;
  }
  parts.push(...key(y + 18, stages.history));
  const [width, height] = [fixed(inner + 2 * margin), fixed(y + 52)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${fonts}">`,
    defs,
    `<rect width="${width}" height="${height}" fill="${ink.page}"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function heading(graph: Graph, sizes: Summary): string[] {
  const { parameters, macs } = sizes.totals;
  const { channels, height, width } = graph.input;
  const facts = [
    ...new Set(graph.steps.map(({ scheme }) => scheme)),
    `${graph.steps.length} steps`,
    `${count(parameters)} parameters`,
    `${count(macs)} multiply-accumulates per image of ${channels} × ${height} × ${width}`,
  ];
  return [
    text(graph.name, margin, 44, { size: 24, color: ink.text, bold: true }),
    text(facts.join('  ·  '), margin, 70, { size: 14 }),
  ];
}

function drawPanel({ title, facts, height, draw }: Panel, { x, y }: At, width: number): string[] {
  const size = `width="${fixed(width)}" height="${fixed(titleHeight + height)}"`;
  return [
    `<rect x="${x}" y="${fixed(y)}" ${size} rx="8" fill="${ink.panel}" stroke="${ink.border}"/>`,
    text(title, x + 16, y + 24, { size: 14.5, color: ink.text, bold: true }),
    text(facts.join('  ·  '), x + width - 16, y + 24, { size: 13, anchor: 'end' }),
    ...draw({ x, y: y + titleHeight }),
  ];
}

/** What the signs mean. */
function key(y: number, history: boolean): string[] {
  const sample = (x: number, label: string, look: Parameters<typeof lineThrough>[1]): string[] => [
    lineThrough([x, y, x + 34, y], { ...look, arrow: true }),
    text(label, x + 42, y + 4.5),
  ];
  return [
    ...sample(margin, 'state', {}),
    ...sample(margin + 100, 'to and from f; arrows into a box add up', { color: 'boxBorder' }),
    ...(history ? sample(margin + 420, 'history: older states', { color: 'history', dashed: true }) : []),
  ];
}

/** Stem or head: operations in a row. */
function chainPanel(graph: Graph, sizes: Summary, place: 'stem' | 'head'): Panel {
  const ids = [...graph.nodes.keys()].filter((i) => belongs(must(graph.nodes[i]).path, place));
  const names = operations(graph, ids);
  const words = chainWords(names);
  const [from, to] =
    place === 'stem' ? ['image', `u${subscript(0)}`] : [`u${subscript(graph.steps.length)}`, 'logits'];
  const last = place === 'stem' ? (ids.at(-1) ?? 0) : graph.output;
  const shape = must(graph.shapes()[last]).slice(1).join(' × ');
  return {
    title: place === 'stem' ? 'Stem' : 'Head',
    facts: [place === 'stem' ? shape : `${shape} logits`, parameters(sizes, place)],
    width: 180 + words.reduce((sum, word) => sum + chainWidth(word) + 26, 0),
    height: 58,
    draw: ({ x, y }) => drawChain(words, [from, to], { x: x + 98, y: y + 24 }),
  };
}

/** Names of operations in a row; of very many the first and the last. */
function chainWords(names: readonly string[]): readonly string[] {
  if (names.length === 0) return ['identity'];
  if (names.length <= 9) return names;
  return [...names.slice(0, 4), `… ${names.length - 7} more …`, ...names.slice(-3)];
}

function chainWidth(word: string): number {
  return 7 * word.length + 24;
}

function drawChain(
  words: readonly string[],
  [from, to]: readonly [string, string],
  { x: start, y }: At,
): string[] {
  let x = start;
  const parts = [text(from, x - 12, y + 4.5, { anchor: 'end', color: ink.text })];
  for (const word of words) {
    const width = chainWidth(word);
    parts.push(lineThrough([x - 6, y, x + 20, y], { arrow: true }));
    parts.push(box({ x: x + 20, y: y - 15 }, { width, height: 30 }, [word], 'other'));
    x += width + 26;
  }
  return [
    ...parts,
    lineThrough([x - 6, y, x + 20, y], { arrow: true }),
    text(to, x + 28, y + 4.5, { color: ink.text }),
  ];
}

/** Nodes of the stem; those of the head, and of the scheme's exit before it. */
function belongs(path: string, place: 'stem' | 'head'): boolean {
  const [first = ''] = path.split('.');
  return place === 'stem' ? first === 'stem' : first === 'head' || first === 'exit';
}

function stagePanels(graph: Graph, sizes: Summary): { panels: Panel[]; history: boolean } {
  const steps = drawnSteps(graph);
  const stages = [...new Set(graph.steps.map(({ stage }) => stage))];
  const shapes = graph.shapes();
  const drawn = stages.map((stage) => {
    const own = steps.filter(({ step }) => step.stage === stage);
    const shape = must(shapes[must(must(own.at(-1)).step.after[0])])
      .slice(1)
      .join(' × ');
    const many = `${own.length} ${own.length === 1 ? 'step' : 'steps'}`;
    const title = `Stage ${stage}${change(shapes, own[0]?.step)}`;
    return { ...drawStage(graph, own), title, facts: [shape, many, parameters(sizes, `stage${stage}`)] };
  });
  return { panels: drawn, history: drawn.some(({ history }) => history) };
}

/** What the first step of a stage changes. */
function change(shapes: readonly (readonly number[])[], step: StepRecord | undefined): string {
  if (step?.transition !== true) return '';
  const [, from, height] = must(shapes[must(step.before[0])]);
  const [, to, after] = must(shapes[must(step.after[0])]);
  const parts = [
    ...(from === to ? [] : [`width ${from} → ${to}`]),
    ...(height === after ? [] : [`resolution ${height} → ${after}`]),
  ];
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

function parameters({ layers }: Summary, place: string): string {
  const own = layers.filter(({ path }) => path === place || path.startsWith(`${place}.`));
  return `${count(own.reduce((sum, layer) => sum + layer.parameters, 0))} parameters`;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
