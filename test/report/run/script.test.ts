/** What the script of a report page reads out, in a page of its own. */
import { type HTMLElement, Window } from 'happy-dom';
import { describe, expect, it, onTestFinished } from 'vitest';
import { must } from '../../../src/must.ts';
import { script } from '../../../src/report/run/script.ts';
import { full, type Job, pageOf } from '../../support/reportPage.ts';

interface Figure {
  /** Presses a key in the figure's plot; true where the page scrolls by it too. */
  press(key: string, shiftKey?: boolean): boolean;
  leave(): void;
  texts(selector: string): string[];
}

/** The page at work: a function from what names a figure to that figure. */
async function opened(
  jobs: Readonly<Record<string, Job>>,
): Promise<{ figure(selector: string): Figure; hide(run: number): void }> {
  const window = new Window();
  onTestFinished(() => window.happyDOM.close());
  const { document } = window;
  document.write(await pageOf(jobs));
  new Function('document', script)(document);
  const found = (selector: string): HTMLElement => must(document.querySelector(selector)) as HTMLElement;
  return {
    figure(selector) {
      const box = found(`${selector} .plot`);
      return {
        press: (key, shiftKey = false) =>
          box.dispatchEvent(new window.KeyboardEvent('keydown', { key, shiftKey, cancelable: true })),
        leave: () => box.dispatchEvent(new window.Event('pointerleave')),
        texts: (part) =>
          [...document.querySelectorAll(`${selector} ${part}`)].map(({ textContent }) => textContent),
      };
    },
    hide(run) {
      found(`#show-${run}`).removeAttribute('checked');
    },
  };
}

describe('the script of a report page', () => {
  it('reads the values of all runs where the arrow keys go, and the last ones at rest', async () => {
    const { figure } = await opened({ a: full, b: full });
    const chart = figure('[data-chart="0"]'); // the loss: 1 / step, in 20 steps of a tenth of an epoch
    const atRest = chart.texts('.readout b');
    expect(chart.texts('.at')).toEqual(['At the end']);
    expect(chart.press('Home')).toBe(false);
    expect(chart.texts('.at')).toEqual(['Epoch 0']);
    expect(chart.texts('.readout b')[0]).toBe('1'); // of step 1
    chart.press('ArrowRight', true);
    chart.press('ArrowRight', true);
    expect(chart.texts('.at')).toEqual(['Epoch 0.4']);
    expect(chart.texts('.readout b')[0]).toBe('0.25'); // of step 4
    expect(chart.texts('.cursor circle')).not.toHaveLength(0);
    chart.leave();
    expect(chart.texts('.readout b')).toEqual(atRest);
    expect(chart.texts('.cursor circle')).toHaveLength(0);
    expect(chart.press('a')).toBe(true);
  });

  it('reads a cell of a confusion matrix with its share of the class', async () => {
    const { figure } = await opened({ a: full });
    const heat = figure('[data-heat="0"]');
    const resting = heat.texts('.readout');
    heat.press('ArrowDown');
    expect(heat.texts('.readout')).toEqual(['cat ranked as cat: 3 of 4 (75 %)']);
    heat.press('ArrowRight');
    expect(heat.texts('.readout')).toEqual(['cat ranked as <dog>: 1 of 4 (25 %)']);
    heat.press('ArrowRight');
    heat.press('ArrowDown');
    expect(heat.texts('.readout')).toEqual(['<dog> ranked as <dog>: 4 of 4 (100 %)']);
    heat.press('Escape');
    expect(heat.texts('.readout')).toEqual(resting);
  });

  it('marks no curve of a run that is hidden', async () => {
    const { figure, hide } = await opened({ a: full, b: full });
    const chart = figure('[data-chart="0"]');
    chart.press('End');
    const both = chart.texts('.cursor circle').length;
    hide(1);
    chart.press('Home');
    expect(chart.texts('.cursor circle')).toHaveLength(both / 2);
  });
});
