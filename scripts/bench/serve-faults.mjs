// Load and faults of `lm-resnet serve`: N mixed requests, good ones in every form and bad ones of every kind,
// every answer checked, beside clients whose bodies do not come; then SIGTERM under load.
//   node scripts/bench/serve-faults.mjs [requests=100000] [connections=32] [CHECKPOINT]
// Without a checkpoint an LM-ResNet-20 of random weights serves. One line of JSON: answers by kind and
// status, wrong ones, requests a second, latencies of good ones, memory over the time, delay of the event
// loop. Needs dist; compare figures of one machine alone.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createModel, Model } from '../../dist/index.js';
import { kindsOf, pictures, slow } from './serve-requests.mjs';

const [requests = '100000', connections = '32', given] = process.argv.slice(2);
const [most, parallel] = [Number(requests), Number(connections)];
const folder = mkdtempSync(join(tmpdir(), 'lm-resnet-faults-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const checkpoint = given ?? join(folder, 'model.safetensors');
if (given === undefined) {
  const made = await createModel('lm_resnet20', { classes: 10, seed: 1 });
  await made.save(checkpoint);
  await made.close();
}

// What the model says, without a service.
const images = await pictures(40, 48);
const model = await Model.load(checkpoint);
const wanted = [];
for (const image of images) wanted.push((await model.predict(image, { topK: 3 }))[0]);
const name = model.graph.name;
await model.close();

const maxBody = 2 ** 20;
const cli = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'dist', 'cli', 'main.js');
const limits = ['--max-body', String(maxBody), '--request-timeout-ms', '3000', '--max-images', '32'];
const child = spawn(process.execPath, [cli, 'serve', checkpoint, '--port', '0', '--json', ...limits], {
  stdio: ['ignore', 'pipe', 'pipe'],
});
let log = '';
child.stderr.on('data', (data) => {
  log += data;
});
const { url, port } = JSON.parse(
  await new Promise((done) => child.stdout.once('data', (d) => done(String(d)))),
);
const ended = new Promise((done) => child.on('close', (code, signal) => done(code ?? signal)));

const kinds = kindsOf({ port, images, name, maxBody });
const turns = Object.entries(kinds).flatMap(([kind, { count }]) => Array(count).fill(kind));
const answers = {};
const wrong = [];
const latencies = [];
const count = (kind, status) => {
  answers[kind] ??= {};
  answers[kind][status] = (answers[kind][status] ?? 0) + 1;
};

/** What is wrong with an answer; null when all is well. */
function problem({ status, body }, { statuses, indices }) {
  if (!statuses.includes(status)) return `status ${status}: ${body ?? ''}`;
  if (status === 0 || body === undefined || body.length === 0) return null;
  const text = String(body);
  if (status === 200) return indices === undefined ? null : wrongAnswer(text, indices);
  const { error, code } = JSON.parse(text);
  if (typeof error !== 'string' || !/^ERR_/.test(code)) return `no error: ${text}`;
  return /\bat .*:\d+:\d+|node_modules|\/tmp\/|safetensors/.test(text) ? `tells too much: ${text}` : null;
}

function wrongAnswer(text, indices) {
  const head = text.startsWith('{"model_name"') ? JSON.parse(text).outputs[0].data : null;
  const near = (a, b) => Math.abs(a - b) < 1e-4;
  if (head !== null) {
    const { index, probability } = wanted[indices[0]];
    return near(head[index], probability) ? null : `another probability: ${head}`;
  }
  const { predictions } = JSON.parse(text);
  const fits = indices.every((k, i) => near(predictions[i].probability, wanted[k].probability));
  return fits && predictions.length === indices.length ? null : `another answer: ${text}`;
}

async function one(i) {
  // As if drawn, but the same at every run.
  const kind = turns[(Math.imul(i, 2654435761) >>> 0) % turns.length];
  const { send, expects } = kinds[kind];
  const start = performance.now();
  const answer = await send(i).catch((error) => ({ status: error.code ?? String(error) }));
  count(kind, answer.status);
  const found = problem(answer, expects(i));
  if (found !== null && wrong.length < 50) wrong.push(`${kind}: ${found.slice(0, 300)}`);
  if (kind === 'good' && answer.status === 200) latencies.push(performance.now() - start);
}

const rss = () => {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1024);
};
const handles = () => readdirSync(`/proc/${child.pid}/fd`).length;
const metric = async (key) => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${key}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)?.[1]);
};

for (let i = 0; i < Math.min(2000, most); i++) await one(i);
latencies.length = 0;
const open = { before: handles(), after: 0 };
const memory = [rss()];
const delays = [];
let next = 0;
let isOver = false;
const slowOnes = Array.from({ length: 16 }, async () => {
  while (!isOver) {
    const { status } = await slow(port);
    count('slow', status);
    if (status !== 408 && !isOver) wrong.push(`slow: status ${status}`);
  }
});
const start = performance.now();
await Promise.all(
  Array.from({ length: parallel }, async () => {
    while (next < most) {
      const i = next++;
      if (i % Math.ceil(most / 10) === 0 && i > 0) {
        memory.push(rss());
        delays.push(Number((1000 * (await metric('nodejs_eventloop_lag_p99_seconds'))).toFixed(1)));
      }
      await one(i);
    }
  }),
);
const seconds = (performance.now() - start) / 1000;
isOver = true;
await Promise.all(slowOnes);
memory.push(rss());
await new Promise((done) => setTimeout(done, 1000));
open.after = handles();
const waiting = await metric('lm_resnet_queue_images');
const sorted = latencies.toSorted((a, b) => a - b);
const at = (part) =>
  Number(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]?.toFixed(1));

// What is under way when the signal comes has its answer; what comes later may be turned away.
const underWay = Array.from({ length: parallel }, (_, i) =>
  kinds.good.send(i).then(
    ({ status }) => status,
    (error) => error.code ?? 'failed',
  ),
);
await new Promise((done) => setTimeout(done, 20));
child.kill('SIGTERM');
const last = await Promise.all(underWay);
const exit = await ended;
console.log(
  JSON.stringify({
    requests: most,
    connections: parallel,
    perSecond: Math.round(most / seconds),
    goodMs: { p50: at(0.5), p99: at(0.99) },
    rssMiB: memory,
    descriptors: open,
    eventLoopP99Ms: delays,
    waiting,
    answers,
    wrong,
    log: log.slice(0, 2000),
    atSigterm: Object.fromEntries([...new Set(last)].map((s) => [s, last.filter((t) => t === s).length])),
    exit,
  }),
);
if (wrong.length > 0 || exit !== 0) process.exitCode = 1;
