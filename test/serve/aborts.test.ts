/** Many requests that one signal aborts. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onAbort } from '../../src/serve/aborts.ts';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('onAbort', () => {
  it('has one listener for all that a signal aborts, and calls each once', () => {
    const controller = new AbortController();
    const called: number[] = [];
    for (let i = 0; i < 20; i++) onAbort(controller.signal, () => called.push(i));
    expect(listeners(controller.signal)).toBe(1);
    controller.abort();
    controller.signal.dispatchEvent(new Event('abort'));
    expect(called).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(listeners(controller.signal)).toBe(0);
  });

  it('leaves no listener behind once all is taken back, and calls nobody then', () => {
    const controller = new AbortController();
    const called: string[] = [];
    const takeBack = ['a', 'b'].map((name) => onAbort(controller.signal, () => called.push(name)));
    takeBack[0]?.();
    takeBack[0]?.();
    expect(listeners(controller.signal)).toBe(1);
    takeBack[1]?.();
    expect(listeners(controller.signal)).toBe(0);
    onAbort(controller.signal, () => called.push('c'));
    controller.abort();
    expect(called).toEqual(['c']);
  });
});
