/** The picture of a range test: the loss over the learning rate, and the rate that it suggests. */
import { expected } from '../errors.ts';
import { must } from '../must.ts';
import { extent, formatNumber, linearAxis, logAxis, type Point } from './axes.ts';
import { fromZero } from './curves.ts';
import { svgDocument } from './document.ts';
import { type Curve, drawPanel } from './panel.ts';
import { text } from './text.ts';

const [width, height] = [900, 560];

/** What a range test found. */
export interface RateSearch {
  /** Rate of every step. */
  readonly rates: readonly number[];
  /** Loss before every step. */
  readonly losses: readonly number[];
  /** The losses, each averaged with its neighbours. */
  readonly smoothed: readonly number[];
  /** The rate at which the smoothed loss falls fastest; null when it never falls. */
  readonly suggestion: number | null;
  /** Whether the loss broke out before the last rate: a range that ends earlier says less. */
  readonly diverged: boolean;
}

/**
 * Draws a range test; losses far above the first run out of the picture.
 *
 * @returns an SVG document.
 * @throws ERR_CONFIG for what is no range test.
 * @example
 * const svg = drawRates(await findLearningRate(model, digits));
 */
export function drawRates(search: RateSearch): string {
  if (!Array.isArray(search?.rates)) throw expected('ERR_CONFIG', 'a range test', 'search', search);
  const { rates, losses, smoothed, suggestion, diverged } = search;
  const points = (values: readonly number[]): Point[] => values.map((y, i) => [must(rates[i]), y]);
  const [low, high] = extent([points(smoothed)]);
  const top = Math.min(high, 1.5 * (smoothed.find(Number.isFinite) ?? high));
  const at = suggestion === null ? -1 : rates.indexOf(suggestion);
  const curves: Curve[] = [
    { color: '#2563eb', style: 'faint', points: points(losses) },
    { label: 'smoothed loss', color: '#2563eb', style: 'line', points: points(smoothed) },
    {
      label: 'suggestion',
      color: '#d9480f',
      style: 'dots',
      points: points(smoothed).filter((_, i) => i === at),
    },
  ];
  const [first = 1, last = 1] = [rates[0], rates.at(-1)];
  const facts = [
    suggestion === null
      ? 'the loss never falls'
      : `suggestion ${formatNumber(rounded(suggestion), rounded(suggestion))}`,
    `${losses.length} steps`,
    diverged ? 'the loss broke out at the end' : 'the loss did not break out: try a higher last rate',
  ];
  return svgDocument(width, height, [
    text('Learning rates', 88, 38, { size: 21, color: '#1f2328', bold: true }),
    text(facts.join('  ·  '), 88, 62, { size: 13.5 }),
    drawPanel(
      {
        x: logAxis(first, last > first ? last : 10 * first),
        xLabel: 'learning rate',
        left: linearAxis(...fromZero(low, Math.max(top, low + 1e-6)), 6),
        leftLabel: 'loss',
        curves,
      },
      { x: 88, y: 104, width: width - 88 - 40, height: height - 104 - 62 },
    ),
  ]);
}

/** Two digits: a range test knows no more. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(2));
}
