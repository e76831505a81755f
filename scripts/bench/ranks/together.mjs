// Two processes of one thread that train together, against one of one thread and one of two with as many
// images in a step, and against two that train each by itself, at once:
//   node scripts/bench/ranks/together.mjs [--model resnet20] [--side 32] [--images 64] [--steps 12]
//     [--rounds 3] [--compress none|float16|bfloat16] [--sync-bn]
// `--images` is what one rank of two has in a step. Prints a line of JSON for each way of each round, then
// one of medians. As root it runs in a network of its own, so that the bytes of `lo` are the ranks' alone. Of
// one step: bytes handed to sums, bytes sent, what the model of a ring says of them, and hidden: 1 - (seconds
// more than each by itself) / (seconds of the same sums, one after the other).
// `--child JSON` is one process.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createModel, imageSet, init, joinRanks, train } from '../../../dist/index.js';

const option = (value) => ({ type: 'string', default: String(value) });
const { values } = parseArgs({
  options: {
    model: option('resnet20'),
    side: option(32),
    images: option(64),
    steps: option(12),
    rounds: option(3),
    compress: option('none'),
    'sync-bn': { type: 'boolean', default: false },
    child: { type: 'string' },
    own: { type: 'boolean', default: false },
  },
});
const file = fileURLToPath(import.meta.url);
const [side, images, steps, rounds] = ['side', 'images', 'steps', 'rounds'].map((name) =>
  Number(values[name]),
);

/** Bytes that this network's `lo` has sent. */
function sentBytes() {
  const line = readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .find((one) => one.trim().startsWith('lo:'));
  return Number(line.split(':')[1].trim().split(/\s+/)[8]);
}

async function seconds(work) {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Seconds of a sum of so many float32, alone: the median of some. */
async function secondsOfSum(ranks, count, times) {
  const numbers = new Float64Array(Math.ceil(count / 2));
  const found = [];
  for (let i = 0; i < times; i++) found.push(await seconds(() => ranks.native.sum(numbers)));
  return median(found);
}

/** Trains twice, to warm up and to be measured. */
async function child({ threads, batch }) {
  init({ threads });
  let ranks = null;
  const joining = await seconds(async () => {
    ranks = await joinRanks({ timeout: 60 });
  });
  const count = 4 * images;
  const pixels = new Uint8Array(count * 3 * side * side).map((_, i) => Math.imul(i, 2654435761) >>> 24);
  const labels = Array.from({ length: count }, (_, i) => i % 10);
  const data = imageSet({ images: pixels, labels, height: side, width: side, channels: 3 });
  const model = await createModel(values.model, { input: [3, side, side], classes: 10, device: 'cpu' });
  const sums = { ranks, syncBn: values['sync-bn'], compressGradients: values.compress };
  const options = { batch, lr: 0.01, workers: 1, ...sums };
  const measured = async (some) => {
    const [before, sent] = [ranks?.traffic(), sentBytes()];
    const { imagesPerSecond } = await train(model, { train: data }, { ...options, steps: some });
    const { bytes, calls } = ranks?.traffic() ?? { bytes: 0, calls: 0 };
    const since = { bytes: bytes - (before?.bytes ?? 0), calls: calls - (before?.calls ?? 0) };
    return { ...since, sent: sentBytes() - sent, imagesPerSecond };
  };
  // What a training sends once, at its beginning, is in both.
  const [once, more] = [await measured(2), await measured(2 + steps)];
  const perStep = (name) => (more[name] - once[name]) / steps;
  const { imagesPerSecond } = more;
  if (ranks === null) return console.log(JSON.stringify({ imagesPerSecond }));
  const parameters = model.graph.params.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const latency = await secondsOfSum(ranks, 1, 50);
  const large = await secondsOfSum(ranks, parameters, 7);
  const store = await seconds(async () => {
    for (let i = 0; i < 20; i++) await ranks.gather(i);
  });
  const [bytes, calls] = [perStep('bytes'), perStep('calls')];
  const network = { bytes, calls, sent: perStep('sent'), ring: 2 * (ranks.worldSize - 1) * bytes };
  const times = { latency, large, alone: large + (calls - 1) * latency, joining, gather: store / 20 };
  console.log(JSON.stringify({ imagesPerSecond, parameters, ...network, ...times }));
  await ranks.close();
}

function run(spec, env) {
  const args = [file, ...process.argv.slice(2), '--child', JSON.stringify(spec)];
  const variables = {
    ...process.env,
    OMP_NUM_THREADS: String(spec.threads),
    OMP_WAIT_POLICY: 'passive',
    ...env,
  };
  const process_ = spawn(process.execPath, args, { env: variables, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  process_.stdout.on('data', (data) => {
    said += data;
  });
  return new Promise((resolve, reject) => {
    process_.on('error', reject);
    process_.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(said)) : reject(new Error(`a process ended with ${code}`)),
    );
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(String(port)));
    });
  });
}

const ways = {
  'one process, one thread': () => run({ threads: 1, batch: 2 * images }),
  'one process, two threads': () => run({ threads: 2, batch: 2 * images }),
  'two processes, each by itself': async () => {
    const both = await Promise.all([0, 1].map(() => run({ threads: 1, batch: images })));
    return { imagesPerSecond: both[0].imagesPerSecond + both[1].imagesPerSecond };
  },
  'two processes, together': async () => {
    const place = { WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: await freePort() };
    const ranks = [0, 1].map((rank) => run({ threads: 1, batch: images }, { ...place, RANK: String(rank) }));
    return (await Promise.all(ranks))[0];
  },
};

async function measure() {
  const found = {};
  for (let round = 0; round < rounds; round++)
    for (const [way, work] of Object.entries(ways)) {
      const one = await work();
      console.log(JSON.stringify({ round, way, ...one }));
      for (const [name, value] of Object.entries(one)) {
        found[way] ??= {};
        found[way][name] ??= [];
        found[way][name].push(value);
      }
    }
  const medians = (row) =>
    Object.fromEntries(Object.entries(row).map(([name, all]) => [name, Number(median(all).toPrecision(4))]));
  const rows = Object.entries(found).map(([way, row]) => ({ median: way, ...medians(row) }));
  const [itself, together] = rows.slice(-2);
  const more = (2 * images) / together.imagesPerSecond - (2 * images) / itself.imagesPerSecond;
  for (const row of rows) console.log(JSON.stringify(row));
  console.log(JSON.stringify({ secondsMore: more, hidden: 1 - more / together.alone }));
}

/** In a network of its own, where this process may make one. */
function alone() {
  const inside = `ip link set lo up && exec "$0" "$@"`;
  const command = ['-n', 'sh', '-c', inside, process.execPath, file, ...process.argv.slice(2), '--own'];
  execFileSync('unshare', command, { stdio: 'inherit' });
}

if (values.child !== undefined) await child(JSON.parse(values.child));
else if (process.getuid() === 0 && !values.own) alone();
else await measure();
