// What scripts/results.mjs says of its results: tables in Markdown, and the learned k_n as an SVG.
import { extent, linearAxis, padded } from '../dist/picture/axes.js';
import { drawPanel } from '../dist/picture/panel.js';
import { text } from '../dist/picture/text.js';

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** Sample standard deviation; NaN of one value. */
function deviation(values) {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1));
}

/** Mean ± sample standard deviation, or the value alone. */
export function spread(values, digits) {
  const middle = mean(values).toFixed(digits);
  return values.length < 2 ? middle : `${middle} ± ${deviation(values).toFixed(digits)}`;
}

const signed = (value, digits) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
const unique = (values) => [...new Set(values)].toSorted((a, b) => a - b);
const rowsOf = (results, net, depth) =>
  results.filter((row) => row.net === net && row.depth === depth).toSorted((a, b) => a.seed - b.seed);

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Accuracy and loss of every network. */
function accuracyTable(results, nets) {
  const rows = unique(results.map(({ depth }) => depth)).flatMap((depth) =>
    nets.flatMap((net) => {
      const some = rowsOf(results, net, depth);
      if (some.length === 0) return [];
      const top1 = some.map((row) => 100 * row.top1);
      const losses = some.map((row) => row.testLoss);
      const parameters = some[0].parameters.toLocaleString('en-US');
      return [[`${net}-${depth}`, parameters, some.length, spread(top1, 2), spread(losses, 4)]];
    }),
  );
  return table(['network', 'parameters', 'n', 'test top-1 (%)', 'test loss'], rows);
}

/** Top-1 of one network minus that of another, in points, for every seed that both have; null without one. */
function difference(results, [net, depth], [other, otherDepth]) {
  const others = new Map(rowsOf(results, other, otherDepth).map((row) => [row.seed, row]));
  const pairs = rowsOf(results, net, depth).filter(({ seed }) => others.has(seed));
  if (pairs.length === 0) return null;
  const points = pairs.map(({ seed, top1 }) => 100 * (top1 - others.get(seed).top1));
  const each = pairs.map(({ seed }, i) => `${seed}: ${signed(points[i], 2)}`).join(', ');
  const middle = signed(mean(points), 2);
  const all = points.length < 2 ? middle : `${middle} ± ${deviation(points).toFixed(2)}`;
  return [`${net}-${depth} − ${other}-${otherDepth}`, points.length, all, each];
}

/** LM-ResNet against the twin of its depth, and against every deeper one. */
function differenceTable(results, [net, other]) {
  const depths = unique(results.map(({ depth }) => depth));
  const pairs = depths.flatMap((depth) => depths.filter((d) => d >= depth).map((d) => [depth, d]));
  const rows = pairs.map(([depth, d]) => difference(results, [net, depth], [other, d]));
  return table(
    ['top-1, difference', 'n', 'points', 'by seed'],
    rows.filter((row) => row !== null),
  );
}

/** The learned k_n of every depth: mean and spread over seeds, and each value. */
function coefficientTable(results) {
  const learned = results.filter(({ k }) => Object.keys(k).length > 0);
  const rows = unique(learned.map(({ depth }) => depth)).flatMap((depth) => {
    const some = learned.filter((row) => row.depth === depth).toSorted((a, b) => a.seed - b.seed);
    return Object.keys(some[0].k).map((path) => {
      const values = some.map(({ k }) => k[path]);
      const each = some.map(({ seed }, i) => `${seed}: ${signed(values[i], 3)}`).join(', ');
      return [depth, path.replace('.k', ''), spread(values, 3).replace('-', '−'), each];
    });
  });
  return table(['depth', 'step', 'kₙ', 'by seed'], rows);
}

/**
 * Results as tables in Markdown: accuracy, differences, learned k_n.
 *
 * @param results lines of the results file, of one number of epochs.
 * @param nets names of the two networks, LM-ResNet first.
 */
export function report(results, nets) {
  return [accuracyTable(results, nets), differenceTable(results, nets), coefficientTable(results)].join(
    '\n\n',
  );
}

const width = 860;
const panel = { x: 92, width: width - 92 - 40, height: 230 };
const rowHeight = 330;

/** Number of the step in a network of depth 6n + 2 that a k belongs to. */
function stepNumber(path, depth) {
  const [, stage, step] = /^stage(\d+)\.step(\d+)\.k$/.exec(path);
  return ((stage - 1) * (depth - 2)) / 6 + Number(step);
}

/** k over all steps; a step without one is a gap, so that stages stay apart. */
function pointsOf(k, depth) {
  const at = new Map(Object.entries(k).map(([path, value]) => [stepNumber(path, depth), value]));
  return Array.from({ length: (depth - 2) / 2 }, (_, n) => [n, at.get(n) ?? Number.NaN]);
}

function coefficientPanel(some, depth, y) {
  const steps = (depth - 2) / 2;
  const curves = some.map(({ k }) => pointsOf(k, depth));
  const middle = curves[0].map(([n], i) => [n, mean(curves.map((points) => points[i][1]))]);
  const [low, high] = padded(
    extent([
      ...curves,
      [
        [0, -0.1],
        [0, 0],
      ],
    ]),
    0.12,
  );
  const level = (value) => [
    [-0.5, value],
    [steps - 0.5, value],
  ];
  const x = { ...linearAxis(-0.5, steps - 0.5, steps), ticks: middle.map(([n]) => n), format: String };
  return [
    text(`LM-ResNet-${depth}`, panel.x, y - 11, { size: 15, color: '#1f2328', bold: true }),
    drawPanel(
      {
        x,
        left: linearAxis(low, high, 5),
        leftLabel: 'learned k',
        xLabel: 'step n (the first step of a stage has no k)',
        curves: [
          { label: 'start: −0.1 … 0', color: '#8b949e', style: 'dashed', points: level(0) },
          { color: '#8b949e', style: 'dashed', points: level(-0.1) },
          ...curves.map((points, i) => ({
            ...(i === 0 ? { label: 'each seed' } : {}),
            color: '#2563eb',
            style: 'faint',
            points,
          })),
          { label: `mean of ${some.length}`, color: '#d9480f', style: 'dots', points: middle },
        ],
      },
      { ...panel, y },
    ),
  ].join('\n');
}

/** Learned k_n over the steps as SVG: a panel for every depth, seeds thin and their mean thick. */
export function drawCoefficients(results) {
  const learned = results.filter(({ k }) => Object.keys(k).length > 0);
  const depths = unique(learned.map(({ depth }) => depth));
  const height = depths.length * rowHeight + 20;
  const fonts = 'Inter, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif';
  const panels = depths.map((depth, i) =>
    coefficientPanel(
      learned.filter((row) => row.depth === depth),
      depth,
      46 + i * rowHeight,
    ),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${fonts}">`,
    '<title>Learned k of every step</title>',
    `<rect width="${width}" height="${height}" fill="#f8f9fb"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}
