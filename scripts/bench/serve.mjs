// Load and faults of `lm-resnet serve`: N mixed requests (good ones, torn, huge, of a wrong type, slow, left
// early), every answer checked, then SIGTERM under load.
//   node scripts/bench/serve.mjs CHECKPOINT IMAGE LABEL [requests=1000] [connections=16]
// One line of JSON: answers by kind and status, wrong answers, requests a second, latencies of good ones,
// memory at the start and end. Needs dist; compare figures of one machine alone.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [checkpoint, image, label, requests = '1000', connections = '16'] = process.argv.slice(2);
const cli = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'dist', 'cli', 'main.js');
const child = spawn(process.execPath, [cli, 'serve', checkpoint, '--port', '0', '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const { url, port } = JSON.parse(
  await new Promise((done) => child.stdout.once('data', (d) => done(String(d)))),
);
const ended = new Promise((done) => child.on('close', (code, signal) => done(code ?? signal)));
const good = readFileSync(image);

const post = (body, headers = {}) => fetch(`${url}/classify`, { method: 'POST', body, headers });
const raw = (text, bytes, stay) =>
  new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => done(0)).on('close', () => done(0));
    socket.once('data', (data) => done(Number(/^HTTP\/1.1 (\d+)/.exec(String(data))?.[1] ?? 0)));
    socket.write(text);
    socket.write(bytes);
    if (!stay) setTimeout(() => socket.destroy(), 5);
  });
/** A PNG of a few bytes that claims to be 60,000 pixels wide and high. */
const bomb = Buffer.from(good);
if (bomb.subarray(1, 4).toString() === 'PNG') bomb.writeUInt32BE(60_000, 16);

const kinds = {
  good: { expects: [200, 503], send: () => post(good) },
  torn: { expects: [400, 503], send: () => post(good.subarray(0, Math.floor(good.length / 2))) },
  bomb: { expects: [400, 503], send: () => post(bomb) },
  noise: { expects: [400, 503], send: () => post(Buffer.alloc(500, 7)) },
  wrongType: { expects: [415, 503], send: () => post('image=cat.jpg', { 'content-type': 'text/plain' }) },
  badJson: { expects: [400, 503], send: () => post('{"image":', { 'content-type': 'application/json' }) },
  huge: {
    expects: [413, 503],
    send: () => raw('POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n', good, true),
  },
  leaves: {
    expects: [0, 200, 503],
    send: () =>
      raw(`POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: ${good.length}\r\n\r\n`, good, false),
  },
  slow: {
    expects: [0, 503],
    send: () => raw('POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n', good, false),
  },
};
const names = Object.keys(kinds);

const answers = {};
const latencies = [];
const wrong = [];
async function one(i) {
  const name = i % 2 === 0 ? 'good' : names[1 + ((i >> 1) % (names.length - 1))];
  const start = performance.now();
  const response = await kinds[name].send().catch((error) => error);
  const status =
    typeof response === 'number' ? response : (response.status ?? String(response.cause ?? response));
  answers[`${name} ${status}`] = (answers[`${name} ${status}`] ?? 0) + 1;
  if (!kinds[name].expects.includes(status)) wrong.push(`${name} ${status}`);
  if (typeof response === 'number' || response.json === undefined) return;
  const body = await response.json();
  if (status !== 200) return;
  latencies.push(performance.now() - start);
  if (body.predictions[0].label !== label) wrong.push(`${name} ${body.predictions[0].label}`);
}

const rss = () => {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1024);
};
for (let i = 0; i < 50; i++) await one(2 * i);
latencies.length = 0;
const before = rss();
const start = performance.now();
let next = 0;
await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    while (next < Number(requests)) await one(next++);
  }),
);
const seconds = (performance.now() - start) / 1000;
const after = rss();
const sorted = latencies.toSorted((a, b) => a - b);
const at = (part) =>
  Number(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]?.toFixed(1));

// What is under way when the signal comes has its answer; what comes later may be turned away.
const underWay = Array.from({ length: Number(connections) }, () =>
  post(good).then(
    (r) => r.status,
    (error) => error.cause?.code ?? 'failed',
  ),
);
await new Promise((done) => setTimeout(done, 20));
child.kill('SIGTERM');
const last = await Promise.all(underWay);
console.log(
  JSON.stringify({
    requests: Number(requests),
    connections: Number(connections),
    perSecond: Math.round(Number(requests) / seconds),
    goodMs: { p50: at(0.5), p99: at(0.99) },
    rssMiB: { before, after },
    answers,
    wrong,
    atSigterm: Object.fromEntries([...new Set(last)].map((s) => [s, last.filter((t) => t === s).length])),
    exit: await ended,
  }),
);
