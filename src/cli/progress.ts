/** Progress of a long command: one live line on a terminal, now and then a plain line elsewhere. */
import { MultiBar, type SingleBar } from 'cli-progress';

/** What is shown beside the bar; what is left out keeps its last value. */
export interface ProgressPayload {
  /** Steps done. */
  readonly step: number;
  /** Of these, those that this command found done: they tell nothing of its speed. Default: as before. */
  readonly kept?: number | undefined;
  readonly epoch?: number | undefined;
  readonly loss?: number | undefined;
  /** Part of the images ranked first, in [0, 1]. */
  readonly top1?: number | undefined;
  readonly imagesPerSecond?: number | undefined;
}

/** Where and how progress is shown. */
export interface ProgressOptions {
  /** Default: the process's standard error. */
  readonly stream?: NodeJS.WriteStream | undefined;
  /** Shows nothing but the lines of `log`; default false. */
  readonly quiet?: boolean | undefined;
  /** Milliseconds between plain lines where the stream is not a terminal; default 10 000. */
  readonly intervalMs?: number | undefined;
  /** What is counted, default "step". */
  readonly unit?: string | undefined;
  /** Clock in milliseconds, for tests. */
  readonly now?: (() => number) | undefined;
}

/** What lies before the first line of a progress. */
export interface Before {
  /** Steps that this command found done (a resumed run); default 0. */
  readonly kept?: number | undefined;
  /** Seconds that its own first steps, of which the first update tells, took already; default 0. */
  readonly seconds?: number | undefined;
}

/** Seconds of work before an estimate of the time left means something. */
export const telling = 5;

/** Progress of one command. */
export interface Progress {
  /** Begins. */
  start(total: number, before?: Before): void;
  update(payload: ProgressPayload): void;
  /** Writes a line above the bar without tearing it, or as it is where there is no bar; in quiet mode too. */
  log(line: string): void;
  /** Draws the last state and gives the terminal back; stopping twice does nothing. */
  stop(): void;
}

/**
 * A progress display: a bar with epoch, step, loss, top-1, images per second and the time that is left,
 * redrawn at most ten times a second on a terminal; a plain line every 10 s or 10 % into a file or a pipe;
 * nothing in quiet mode.
 *
 * @example
 * const progress = createProgress();
 * progress.start(1000);
 * progress.update({ step: 10, epoch: 0.1, loss: 2.3, top1: 0.1, imagesPerSecond: 900 });
 * progress.stop();
 */
export function createProgress(options: ProgressOptions = {}): Progress {
  const {
    stream = process.stderr,
    quiet = false,
    intervalMs = 10_000,
    unit = 'step',
    now = () => performance.now(),
  } = options;
  if (quiet) return quietProgress(stream);
  const state = createState(now, unit);
  return stream.isTTY ? barProgress(stream, state) : lineProgress(stream, state, intervalMs);
}

interface State {
  readonly now: () => number;
  readonly unit: string;
  total: number;
  started: number;
  latest: ProgressPayload & { readonly kept: number };
}

function createState(now: () => number, unit: string): State {
  return { now, unit, total: 0, started: 0, latest: { step: 0, kept: 0 } };
}

/** Returns the step that it begins at. */
function begin(state: State, total: number, { kept = 0, seconds = 0 }: Before = {}): number {
  Object.assign(state, { total, started: state.now() - 1000 * seconds, latest: { step: kept, kept } });
  return kept;
}

function merge(state: State, payload: ProgressPayload): void {
  const given = Object.entries(payload).filter(([, value]) => value !== undefined);
  state.latest = { ...state.latest, ...Object.fromEntries(given) };
}

function quietProgress(stream: NodeJS.WriteStream): Progress {
  const nothing = (): void => undefined;
  return { start: nothing, update: nothing, stop: nothing, log: (line) => void stream.write(`${line}\n`) };
}

function barProgress(stream: NodeJS.WriteStream, state: State): Progress {
  let bars: MultiBar | undefined;
  let bar: SingleBar | undefined;
  const stop = (): void => {
    bars?.update(); // writes the lines that wait
    bars?.stop();
    bars = undefined;
    bar = undefined;
  };
  return {
    start(total, before) {
      stop();
      const first = begin(state, total, before);
      bars = new MultiBar({
        stream,
        hideCursor: true,
        fps: 10,
        gracefulExit: false,
        format: () => barLine(state, stream.columns),
      });
      bar = bars.create(total, first);
    },
    update(payload) {
      merge(state, payload);
      bar?.update(state.latest.step);
    },
    log(line) {
      if (bars === undefined) stream.write(`${line}\n`);
      else bars.log(`${line}\n`);
    },
    stop,
  };
}

function lineProgress(stream: NodeJS.WriteStream, state: State, intervalMs: number): Progress {
  let shownAt = 0;
  let shown = -1;
  const show = (): void => {
    shownAt = state.now();
    shown = state.latest.step;
    stream.write(`${facts(state).join('  ')}\n`);
  };
  return {
    start(total, before) {
      shown = begin(state, total, before);
      shownAt = state.now();
    },
    update(payload) {
      merge(state, payload);
      const tenth = (step: number): number => Math.floor((10 * step) / state.total);
      if (state.now() - shownAt >= intervalMs || tenth(state.latest.step) > tenth(shown)) show();
    },
    log: (line) => void stream.write(`${line}\n`),
    stop() {
      if (state.latest.step !== shown && state.total > 0) show();
    },
  };
}

/** `████████░░░░  40 %  epoch 4.0  …`, cut to the width of the terminal. */
function barLine(state: State, columns: number): string {
  const part = state.total > 0 ? Math.min(1, state.latest.step / state.total) : 1;
  const width = Math.max(0, columns) || 80;
  const words = facts(state).join('  ');
  const size = Math.min(30, Math.max(0, width - words.length - 3));
  const full = Math.round(part * size);
  return `${'█'.repeat(full)}${'░'.repeat(size - full)}${size > 0 ? '  ' : ''}${words}`.slice(0, width - 1);
}

function facts(state: State): string[] {
  const { step, epoch, loss, top1, imagesPerSecond } = state.latest;
  const { total, unit } = state;
  const part = total > 0 ? Math.min(1, step / total) : 1;
  const out = [`${Math.floor(100 * part)} %`.padStart(5)];
  if (epoch !== undefined) out.push(`epoch ${epoch.toFixed(1)}`);
  out.push(`${unit} ${String(step).padStart(String(total).length)}/${total}`);
  if (loss !== undefined) out.push(`loss ${loss.toFixed(4)}`);
  if (top1 !== undefined) out.push(`top-1 ${(100 * top1).toFixed(2)} %`);
  if (imagesPerSecond !== undefined) out.push(`${Math.round(imagesPerSecond)} img/s`);
  out.push(step < total ? `ETA ${timeLeft(state)}` : `in ${clock((state.now() - state.started) / 1000)}`);
  return out;
}

/**
 * From the mean speed of what this command did itself, once that are some seconds: its first steps load and
 * warm up.
 */
function timeLeft({ latest, total, started, now }: State): string {
  const done = latest.step - latest.kept;
  const spent = now() - started;
  if (done <= 0 || spent < 1000 * telling) return '--:--';
  return clock(((spent / done) * (total - latest.step)) / 1000);
}

/** Seconds as `m:ss` or `h:mm:ss`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
