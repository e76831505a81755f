/** A terminal, or a file in its place, that remembers what was written. */
import { Writable } from 'node:stream';
import { createProgress, type Progress, type ProgressOptions } from '../../src/cli/progress.ts';

export interface Screen {
  readonly progress: Progress;
  /** Everything written, terminal commands removed. */
  readonly text: () => string;
  readonly raw: () => string;
  /** Moves the clock. */
  readonly wait: (ms: number) => void;
}

/** A progress on a screen of its own, with a clock that `wait` moves. */
export function screen(isTTY: boolean, options: ProgressOptions = {}): Screen {
  const chunks: string[] = [];
  let time = 0;
  const sink = new Writable({
    write(chunk, _, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  const terminal = {
    isTTY,
    columns: 100,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  };
  const stream = Object.assign(sink, terminal) as unknown as NodeJS.WriteStream;
  const raw = (): string => chunks.join('');
  return {
    progress: createProgress({ stream, now: () => time, ...options }),
    raw,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the commands of a terminal
    text: () => raw().replaceAll(/\x1b\[[0-9?;]*[a-zA-Z]/g, ''),
    wait: (ms) => {
      time += ms;
    },
  };
}
