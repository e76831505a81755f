// Seconds of a step on 1 to 4096 processes, from a latency, a bandwidth and the step of one:
//   node scripts/bench/ranks/scaling.mjs [--bytes 102.2e6] [--step 0.052] [--latency 5e-6] [--bandwidth 25e9]
//     [--local 8] [--local-bandwidth 235e9] [--pieces 4]
// flat is one ring of all processes, which gloo makes: 2 (p - 1) latency + 2 (p - 1) / p bytes / bandwidth.
// nested sums in a host first, then over hosts, each process its part, by a tree, as NCCL can:
// 2 (g - 1) / g bytes / local + 2 (m - 1) / m (bytes / g) / bandwidth + 2 ceil(log2 m) latency.
// A sum is hidden behind 60 % of a backward pass, which is two thirds of a step; the last of its pieces
// is not.
import { parseArgs } from 'node:util';

const option = (value) => ({ type: 'string', default: String(value) });
const { values } = parseArgs({
  options: {
    bytes: option(102.2e6),
    step: option(0.052),
    latency: option(5e-6),
    bandwidth: option(25e9),
    local: option(8),
    'local-bandwidth': option(235e9),
    pieces: option(4),
  },
});
const number = (name) => Number(values[name]);
const [bytes, step, latency, bandwidth] = ['bytes', 'step', 'latency', 'bandwidth'].map(number);
const [local, localBandwidth, pieces] = ['local', 'local-bandwidth', 'pieces'].map(number);

const flat = (p) =>
  2 * (p - 1) * latency + ((2 * (p - 1)) / p) * (bytes / (p > local ? bandwidth : localBandwidth));

function nested(p) {
  const g = Math.min(p, local);
  const m = Math.ceil(p / g);
  const inside = ((2 * (g - 1)) / g) * (bytes / localBandwidth);
  return inside + ((2 * (m - 1)) / m) * (bytes / g / bandwidth) + 2 * Math.ceil(Math.log2(m)) * latency;
}

/** Part of the speed of so many processes that is left. */
const efficiency = (sum) => step / (step + Math.max(sum / pieces, sum - 0.6 * (2 / 3) * step));

for (const p of [1, 2, 8, 32, 64, 256, 1024, 4096]) {
  const row = Object.entries({ flat, nested }).map(([name, sum]) => [
    name,
    { ms: Number((1000 * sum(p)).toPrecision(3)), efficiency: Number(efficiency(sum(p)).toFixed(3)) },
  ]);
  console.log(JSON.stringify({ processes: p, ...Object.fromEntries(row) }));
}
