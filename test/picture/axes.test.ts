import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extent, formatNumber, linearAxis, logAxis, padded } from '../../src/picture/axes.ts';

describe('linearAxis', () => {
  it.each<[number, number, number, string[]]>([
    [0, 1, 5, ['0', '0.2', '0.4', '0.6', '0.8', '1.0']],
    [0, 5860, 8, ['0', '1000', '2000', '3000', '4000', '5000']],
    [0, 200_000, 4, ['0', '50,000', '100,000', '150,000', '200,000']],
    [0, 0.1, 4, ['0', '0.025', '0.050', '0.075', '0.100']],
    [93.2, 99.4, 5, ['94', '96', '98']],
    [-1, 1, 4, ['-1.0', '-0.5', '0', '0.5', '1.0']],
    [0, 4e-5, 4, ['0', '1e-5', '2e-5', '3e-5', '4e-5']],
  ])('from %d to %d has nice ticks', (low, high, count, labels) => {
    const axis = linearAxis(low, high, count);
    expect(axis.ticks.map(axis.format)).toEqual(labels);
  });

  it('has few ticks, all inside, whatever the range', () => {
    const numbers = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    const widths = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(numbers, widths, (low, width) => {
        fc.pre(low + width > low + Math.abs(low) * 1e-6);
        const { ticks, place } = linearAxis(low, low + width, 6);
        expect(ticks.length).toBeLessThanOrEqual(7);
        expect(ticks.every((tick) => place(tick) > -1e-6 && place(tick) < 1 + 1e-6)).toBe(true);
      }),
    );
  });
});

describe('logAxis', () => {
  it('has ticks at 1, 2, 5 and fewer over many decades', () => {
    expect(logAxis(0.01, 2).ticks).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]);
    expect(logAxis(0.9e-5, 1.1).ticks).toEqual([1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]);
    expect(logAxis(0.01, 100).place(1)).toBeCloseTo(0.5, 12);
  });
});

describe('ranges', () => {
  it('ignore what is not finite and are never empty', () => {
    expect(
      extent([
        [
          [0, 2],
          [1, Number.NaN],
        ],
        [
          [5, Number.NEGATIVE_INFINITY],
          [6, 5],
        ],
      ]),
    ).toEqual([2, 5]);
    expect(extent([[], [[0, Number.NaN]]])).toEqual([0, 1]);
    expect(padded([2, 4], 0.05)).toEqual([1.9, 4.1]);
    expect(padded([0, 0], 0.05)).toEqual([-1, 1]);
    expect(padded([100, 100], 0.05, 0, 100)).toEqual([90, 100]);
  });

  it('format numbers to the step of their axis', () => {
    expect(formatNumber(0.5, 0.01)).toBe('0.50');
    expect(formatNumber(12_000, 2000)).toBe('12,000');
    expect(formatNumber(3e7, 1e7)).toBe('3e7');
  });
});
