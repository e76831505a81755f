import { describe, expect, it } from 'vitest';
import { screen } from '../support/screen.ts';

const lines = (text: string): string[] => text.split('\n').slice(0, -1);

describe('progress into a file', () => {
  it('writes a line per tenth of the way', () => {
    const { progress, text } = screen(false);
    progress.start(100);
    for (let step = 1; step <= 100; step++) progress.update({ step });
    progress.stop();
    expect(lines(text())).toHaveLength(10);
  });

  it('writes a line every ten seconds when the way is long', () => {
    const { progress, text, wait } = screen(false);
    progress.start(1_000_000);
    for (let step = 1; step <= 40; step++) {
      wait(1000);
      progress.update({ step });
    }
    expect(lines(text())).toHaveLength(4);
  });

  it('says how far it is and what is left', () => {
    const { progress, text, wait } = screen(false);
    progress.start(400);
    wait(30_000);
    progress.update({ step: 100, epoch: 1.5, loss: 0.51234, top1: 0.8765, imagesPerSecond: 812.4 });
    expect(text()).toBe(' 25 %  epoch 1.5  step 100/400  loss 0.5123  top-1 87.65 %  812 img/s  ETA 1:30\n');
  });

  it('keeps the last value of what an update leaves out', () => {
    const { progress, text } = screen(false);
    progress.start(10);
    progress.update({ step: 0, loss: 2 });
    progress.update({ step: 5, loss: undefined });
    expect(text()).toContain('loss 2.0000');
  });

  it('counts only what this process did for the time that is left', () => {
    const { progress, text, wait } = screen(false);
    progress.start(100, { kept: 80 });
    wait(10_000);
    progress.update({ step: 90 });
    expect(text()).toContain('ETA 0:10');
  });

  it('counts the time of steps before it began, and not what it finds done later on', () => {
    const { progress, text, wait } = screen(false);
    progress.start(100, { seconds: 8 });
    wait(2000);
    progress.update({ step: 90, kept: 80 });
    expect(text()).toContain('ETA 0:10');
  });

  it('has no colours, no cursor commands, and the last state at the end', () => {
    const { progress, raw } = screen(false);
    progress.start(1000);
    progress.update({ step: 7 });
    progress.stop();
    progress.stop();
    expect(lines(raw())).toHaveLength(1);
    expect(raw()).not.toContain('\x1b');
  });
});

describe('progress on a terminal', () => {
  it('shows a bar with the state, and logged lines above it', () => {
    const { progress, text } = screen(true);
    progress.start(200);
    progress.update({ step: 100, epoch: 1, loss: 0.25 });
    progress.log('epoch 1 done');
    progress.stop();
    expect(text()).toMatch(/epoch 1 done\n/);
    expect(text()).toMatch(/█+░+ +50 % {2}epoch 1.0 {2}step 100\/200 {2}loss 0.2500/);
    expect(text().lastIndexOf('epoch 1 done')).toBeLessThan(text().lastIndexOf('50 %'));
  });

  it('hides the cursor while it runs and gives it back', () => {
    const { progress, raw } = screen(true);
    progress.start(10);
    expect(raw()).toContain('\x1b[?25l');
    progress.stop();
    expect(raw().lastIndexOf('\x1b[?25h')).toBeGreaterThan(raw().lastIndexOf('\x1b[?25l'));
  });

  it('never writes a line wider than the terminal', () => {
    const { progress, raw } = screen(true);
    progress.start(123_456_789);
    progress.update({ step: 12_345_678, epoch: 123.4, loss: 1234.5678, top1: 1, imagesPerSecond: 123_456 });
    progress.stop();
    const drawn = raw()
      .split('\x1b')
      .map((piece) => piece.replace(/^\[[0-9?;]*[a-zA-Z]/, ''));
    expect(Math.max(...drawn.map((line) => line.length))).toBeLessThan(100);
    expect(drawn.join('')).toContain('12345678/123456789');
  });

  it('writes logged lines at once when no bar is shown', () => {
    const { progress, text } = screen(true);
    progress.log('before');
    expect(text()).toBe('before\n');
  });
});

describe('quiet progress', () => {
  it('writes logged lines only', () => {
    for (const isTTY of [true, false]) {
      const { progress, raw } = screen(isTTY, { quiet: true });
      progress.start(10);
      progress.update({ step: 10, loss: 1 });
      progress.log('result');
      progress.stop();
      expect(raw()).toBe('result\n');
    }
  });
});
