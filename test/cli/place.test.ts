import { describe, expect, it } from 'vitest';
import { initFrom } from '../../src/cli/place.ts';
import { defaultThreads } from '../../src/cores.ts';
import { native } from '../../src/native/load.ts';

describe('the place of a command', () => {
  it('has the threads of its flag, else the default, not those of the command before', () => {
    const threads = (flag?: number): number => {
      initFrom({ threads: flag });
      return native().info().threads;
    };
    const own = defaultThreads() + 1;
    expect([threads(), threads(own), threads()]).toEqual([defaultThreads(), own, defaultThreads()]);
  });
});
