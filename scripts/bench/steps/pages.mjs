// Tables for docs/performance.md, on standard output, and its pictures, of `npm run bench -- --json`:
//   node scripts/bench/steps/pages.mjs races.json [ablation.json]
// Pictures, of races that were run in bfloat16 too. training-steps.svg: how many times as long as ours in
// bfloat16 every program takes. roofline.svg: how fast the kinds of operations of the first race are, by
// operations a byte, below what the machine can.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [races, ablation] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const docs = (name) => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));
const title = ({ name, batch, size, threads }) => `${name}, ${batch} × ${size} px, ${threads} threads`;
const line = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
const shown = (value, digits = 2) => (value === undefined ? '–' : value.toFixed(digits));
const colours = ['#4269d0', '#efb118', '#ff725c', '#6cc5b0', '#3ca951', '#9c6b4e', '#a463f2'];

function raceTable() {
  const names = Object.keys(races.races[0].programs);
  const head = ['race', ...names, 'mixed', 'float32', 'over the twin', 'memory / eager', 'faults a step'];
  return table(
    head,
    races.races.map((row) => [
      title(row),
      ...names.map((name) => shown(row.programs[name]?.ms, 1)),
      ...[row.mixed, row.float32, row.twin, row.memory].map((value) => shown(value)),
      shown((row.programs['ours, bfloat16'] ?? row.programs.ours).pageFaultsPerStep, 1),
    ]),
  );
}

function ablationTable() {
  const rows = ablation.races.flatMap((row) =>
    Object.entries(row.without).map(([name, times]) => [title(row), name, shown(times)]),
  );
  return table(['race', 'ours', 'times as long'], rows);
}

function profileTable({ kinds, sum, machine }, row, precision) {
  const head = ['', 'what', 'ms', 'share', 'MB', 'GB/s', 'GFLOP', 'GFLOP/s', 'bound, ms'];
  const cells = (kind) => [
    ...[kind.stage, kind.name, shown(kind.ms), `${shown(100 * kind.share, 1)} %`],
    ...[shown((kind.bytesRead + kind.bytesWritten) / 1e6, 1), shown(kind.GBs, 1)],
    ...[shown(kind.flops / 1e9), shown(kind.GFLOPs, 1), shown(kind.boundMs)],
  ];
  const rates = `copies ${machine.copyGBs} GB/s, multiplies ${machine.GFLOPs} GFLOP/s, ${machine.bfloat16GFLOPs} in bfloat16`;
  const most = kinds.filter(({ share }) => share >= 0.01);
  return `${title(row)}, ${precision} (the machine ${rates}):\n\n${table(head, [...most, sum].map(cells))}`;
}

const svg = (title, width, height, marks) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">\n` +
  `<title>${title}</title>\n<rect width="${width}" height="${height}" fill="white"/>\n${marks.join('\n')}\n</svg>\n`;
const text = (x, y, words, more = '') => `<text x="${x}" y="${y}" ${more}>${words}</text>`;

function bars() {
  const marks = [];
  let y = 20;
  for (const row of races.races) {
    marks.push(text(10, y, title(row), 'font-weight="bold"'));
    const own = row.programs['ours, bfloat16'].ms;
    const times = Object.entries(row.programs).map(([name, { ms }]) => [name, ms / own, ms]);
    const widest = Math.max(...times.map(([, value]) => value));
    for (const [i, [name, value, ms]] of times.entries()) {
      y += 18;
      const width = Math.round((380 * value) / widest);
      marks.push(text(150, y + 4, name, 'text-anchor="end"'));
      marks.push(`<rect x="160" y="${y - 7}" width="${width}" height="13" fill="${colours[i % 7]}"/>`);
      marks.push(text(165 + width, y + 4, `${value.toFixed(2)} × (${ms.toFixed(1)} ms)`));
    }
    y += 34;
  }
  return svg('How many times as long as ours in bfloat16 every program takes', 680, y, marks);
}

/** Both axes in powers of ten. */
function roofline({ kinds, machine }, row) {
  const x = (intensity) => 70 + 130 * (Math.log10(intensity) + 2);
  const y = (rate) => 380 - 75 * (Math.log10(rate) + 1);
  const marks = [text(70, 20, `${title(row)}, bfloat16`, 'font-weight="bold"')];
  const roof = (peak, name, colour) => {
    const ridge = peak / machine.copyGBs;
    const points = `${x(0.01)},${y(0.01 * machine.copyGBs)} ${x(ridge)},${y(peak)} ${x(1000)},${y(peak)}`;
    marks.push(`<polyline points="${points}" fill="none" stroke="${colour}"/>`);
    marks.push(text(x(1000), y(peak) - 4, name, `text-anchor="end" font-size="10" fill="${colour}"`));
  };
  roof(machine.GFLOPs, `float32: ${machine.GFLOPs} GFLOP/s`, '#888888');
  roof(machine.bfloat16GFLOPs, `bfloat16: ${machine.bfloat16GFLOPs} GFLOP/s`, '#333333');
  for (const power of [-2, -1, 0, 1, 2, 3])
    marks.push(text(x(10 ** power), 400, `1e${power}`, 'text-anchor="middle"'));
  for (const power of [-1, 0, 1, 2, 3])
    marks.push(text(62, y(10 ** power) + 4, `1e${power}`, 'text-anchor="end"'));
  marks.push(text(395, 420, 'operations a byte', 'text-anchor="middle"'));
  marks.push(text(16, 210, 'GFLOP/s', 'text-anchor="middle" transform="rotate(-90 16 210)"'));
  const drawn = kinds.filter(({ flops, share }) => flops > 0 && share >= 0.005);
  for (const [i, kind] of drawn.entries()) {
    const at = [x(kind.flops / (kind.bytesRead + kind.bytesWritten)), y(kind.GFLOPs)].map((v) =>
      v.toFixed(1),
    );
    const radius = (3 + 30 * kind.share).toFixed(1);
    marks.push(
      `<circle cx="${at[0]}" cy="${at[1]}" r="${radius}" fill="${colours[i % 7]}" fill-opacity="0.6"/>`,
    );
    const name = kind.stage === kind.name ? kind.name : `${kind.stage} ${kind.name}`;
    const below = kind.stage === 'backward' ? 12 + Number(radius) : -4 - radius;
    marks.push(text(at[0], Number(at[1]) + below, name, 'text-anchor="middle" font-size="10"'));
  }
  return svg(
    'Kinds of operations by operations a byte, below what the machine copies and multiplies',
    750,
    430,
    marks,
  );
}

console.log(raceTable());
for (const row of races.races)
  for (const [precision, profile] of Object.entries(row.profiles))
    console.log(profileTable(profile, row, precision));
if (ablation !== undefined) console.log(ablationTable());
const half = races.races[0].profiles.bfloat16;
if (half !== undefined) {
  writeFileSync(docs('training-steps.svg'), bars());
  writeFileSync(docs('roofline.svg'), roofline(half, races.races[0]));
}
