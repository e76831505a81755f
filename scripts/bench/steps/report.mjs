// Rows of scripts/bench/steps/bench.mjs, and how they are printed.
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { median, rounded } from '../turns.mjs';

const instructionSets = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'];

/** The processor, what it has of the sets that kernels are written for, and versions. */
export function describeMachine() {
  const text = readFileSync('/proc/cpuinfo', 'utf8');
  const flags = new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.split(' ') ?? []);
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  return {
    processor: `${cpus().length} x ${cpus()[0].model}`,
    sets: instructionSets.filter((set) => flags.has(set)),
    'lm-resnet': version,
    node: process.version,
    loadBefore: rounded(loadavg()[0], 2),
  };
}

const milliseconds = (turn) => median(turn.milliseconds);
const MiB = (turns) => Math.round(Math.max(...turns.map((turn) => turn.peakResidentBytes)) / 2 ** 20);

/** Figures of one program. */
const figures = (turns) => ({
  ms: rounded(median(turns.map(milliseconds)), 3),
  range: [Math.min, Math.max].map((f) => rounded(f(...turns.map(milliseconds)), 3)),
  peakMiB: MiB(turns),
  pageFaultsPerStep: rounded(median(turns.map((turn) => turn.pageFaultsPerStep)), 1),
});

/** Median over rounds of the fastest of some programs over another. */
function ratio(turns, names, own) {
  const rounds = turns.get(own).map((turn, i) => {
    const times = names.map((name) => milliseconds(turns.get(name)[i]));
    return Math.min(...times) / milliseconds(turn);
  });
  return rounded(median(rounds), 3);
}

const isHalf = (mode) => mode.endsWith('bf16');

/** Whether a race is run in bfloat16 too: where a rival is. */
export const isMixed = (rivals) => rivals.some(isHalf);

/** Ours beside PyTorch: `mixed` against all rivals, `float32` against those of float32. */
export function raceRow(race, turns, rivals) {
  const exact = rivals.filter((mode) => !isHalf(mode));
  const row = { ...race, programs: {} };
  for (const [name, list] of turns) row.programs[name] = figures(list);
  if (isMixed(rivals)) row.mixed = ratio(turns, rivals, 'ours, bfloat16');
  if (exact.length > 0) row.float32 = ratio(turns, exact, 'ours');
  row.twin = isMixed(rivals)
    ? rounded(1 / ratio(turns, ['twin, bfloat16'], 'ours, bfloat16'), 3)
    : rounded(1 / ratio(turns, ['twin'], 'ours'), 3);
  if (rivals.includes('best')) row.memory = rounded(row.programs.ours.peakMiB / row.programs.best.peakMiB, 3);
  return row;
}

/** Times without a pass over times with all. */
export function ablationRow(race, turns) {
  const row = { ...race, programs: {}, without: {} };
  for (const [name, list] of turns) {
    row.programs[name] = figures(list);
    const [title, pass] = name.split(', without ');
    if (pass !== undefined) row.without[name] = ratio(turns, [name], title);
  }
  return row;
}

const title = ({ name, batch, size, threads }) => `${name}, ${batch} x ${size} px, threads: ${threads}`;

/** Prints a race as a table for people. */
export function table(row) {
  const lines = Object.entries(row.programs).map(([name, { ms, range, peakMiB, pageFaultsPerStep }]) => [
    name,
    {
      'ms per step': ms,
      range: range.join(' – '),
      'peak MiB': peakMiB,
      'faults per step': pageFaultsPerStep,
      ...(row.without?.[name] === undefined ? {} : { 'times as long': row.without[name] }),
    },
  ]);
  console.log(title(row));
  console.table(Object.fromEntries(lines));
  if (row.mixed !== undefined) console.log(`fastest rival / ours in mixed precision: ${row.mixed}`);
  if (row.float32 !== undefined) console.log(`fastest float32 rival / ours in float32: ${row.float32}`);
  if (row.twin !== undefined)
    console.log(
      `ours / the twin of forward Euler, in ${row.mixed === undefined ? 'float32' : 'mixed precision'}: ${row.twin}`,
    );
  if (row.memory !== undefined) console.log(`peak resident memory, ours / eager: ${row.memory}`);
  if (row.gap !== undefined)
    console.log(`largest difference of 20 losses from PyTorch ${row.torch}: ${row.gap.toExponential(1)}\n`);
}

/** All as one object. */
export function json(machine, rows, rounds) {
  const torch = rows.find((row) => row.torch)?.torch;
  return JSON.stringify({ unit: 'ms per step', ...machine, torch, rounds, races: rows });
}

/** The machine and versions in a line. */
export function head(machine) {
  return Object.entries(machine)
    .map(([name, value]) => `${name}: ${[value].flat().join(' ')}`)
    .join('; ');
}
