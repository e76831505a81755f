import { describe, expect, it } from 'vitest';

const { progressOf } = (await import(new URL('../../scripts/build.mjs', import.meta.url).href)) as {
  progressOf: (say: (text: string) => void, now: () => number) => (text: string) => void;
};

describe('the progress of a native build', () => {
  it.each([
    ['Ninja', '[12/340] Building a\n[13/340] Building b\n', '13 of 340 steps'],
    ['make', '[  3%] Building a\n[ 14%] Building b\n', '14 %'],
  ])('is read from what %s prints, at most every five seconds', (_, text, told) => {
    const said: string[] = [];
    let time = 0;
    const read = progressOf(
      (line) => said.push(line),
      () => time,
    );
    for (time of [1000, 5000, 6000, 9999, 10_000]) read(text);
    read('warning: no progress\n');
    expect(said).toEqual([told, told]);
  });
});
