// Load on `lm-resnet serve` beside others that serve the same network, in turn, in one run: onnxruntime-node
// in a Fastify shell (serve-onnxruntime.mjs), PyTorch and torchvision's transforms behind FastAPI
// (serve-torch.py).
//   node scripts/bench/serve.mjs --tools DIR [--python PYTHON] [--model lm_resnet20] [--seconds 10]
//     [--connections 1,16,64,256] [--servers ours,replicas,onnxruntime,torch] [--amp auto]
// DIR is a folder where `npm install autocannon onnxruntime-node` was run; PYTHON has torch, torchvision,
// safetensors, fastapi and uvicorn (with uvloop and httptools). Every server gets the same picture as the
// body and all cores; before the load its answer is compared with the model's. One line of JSON for each
// run: answers a second, latency, memory, delay of the event loop. Compare figures of one run alone.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createModel, exportOnnx, exportTorch } from '../../dist/index.js';
import { pictures } from './serve-requests.mjs';

const { values: flags } = parseArgs({
  options: {
    tools: { type: 'string' },
    python: { type: 'string' },
    model: { type: 'string', default: 'lm_resnet20' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '1,16,64,256' },
    servers: { type: 'string', default: 'ours,onnxruntime,torch' },
    amp: { type: 'string', default: 'none' },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const autocannon = createRequire(join(flags.tools, 'x.js'))('autocannon');
const threads = String(availableParallelism());

const folder = mkdtempSync(join(tmpdir(), 'lm-resnet-serve-'));
let running; // the server under load
process.once('exit', () => {
  running?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
const at = (name) => join(folder, name);
const model = await createModel(flags.model, { classes: 10, seed: 1 });
await model.save(at('model.safetensors'));
await exportOnnx(model, at('model.onnx'));
await exportTorch(model, at('weights.safetensors'));
// As large as the resize before the crop makes it, so that all decode the same and none resizes.
const side = model.input.height > 64 ? Math.round(model.input.height / 0.875) : model.input.height;
const [, body] = await pictures(side, 2); // a JPEG
const [{ index, probability }] = await model.predict(body);
const preprocessing = JSON.stringify(model.input);
await model.close();

const cli = join(dirname(dirname(here)), 'dist', 'cli', 'main.js');
const ours = [
  process.execPath,
  cli,
  'serve',
  at('model.safetensors'),
  '--port',
  '0',
  '--json',
  '--amp',
  flags.amp,
];
const starts = {
  ours,
  replicas: [...ours, '--replicas', threads],
  onnxruntime: [
    process.execPath,
    join(here, 'serve-onnxruntime.mjs'),
    flags.tools,
    at('model.onnx'),
    threads,
    preprocessing,
  ],
  torch: [flags.python, join(here, 'serve-torch.py'), folder, threads],
};

/** A server once it listens: it prints a line of JSON with its url. */
async function started(name) {
  const [program, ...args] = starts[name];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running = child;
  const line = await new Promise((done, fail) => {
    child.stdout.once('data', (data) => done(String(data).split('\n')[0]));
    child.once('close', (code) => fail(new Error(`${name} ended with ${code}`)));
  });
  return { child, url: JSON.parse(line).url };
}

/** Checks that a server answers what the model says. */
async function check(name, url) {
  const response = await fetch(`${url}/classify`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'image/jpeg' },
  });
  const { predictions } = await response.json();
  const [found] = predictions;
  // Decoders of JPEG differ by a level or two.
  if (found.index !== index || Math.abs(found.probability - probability) > 0.02)
    throw new Error(`${name} answers ${JSON.stringify(found)}, the model ${index} ${probability}`);
}

function load(url, connections, seconds) {
  return autocannon({
    url: `${url}/classify`,
    method: 'POST',
    body,
    headers: { 'content-type': 'image/jpeg' },
    connections,
    duration: seconds,
  });
}

/** Milliseconds that the event loop was late (99th percentile) since it was asked last; null without one. */
async function lateness(url) {
  const response = await fetch(`${url}/metrics`);
  if (!response.ok) return null;
  const seconds = /^nodejs_eventloop_lag_p99_seconds(?:\{[^}]*\})? (\S+)/m.exec(await response.text())?.[1];
  // The timer that measures it has a period of 10 ms, which is no delay.
  return Number(Math.max(0, 1000 * Number(seconds) - 10).toFixed(1));
}

const memory = (pid) =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);

for (const connections of flags.connections.split(',').map(Number))
  for (const server of flags.servers.split(',')) {
    const { child, url } = await started(server);
    await check(server, url);
    await load(url, connections, Math.min(3, Number(flags.seconds)));
    await lateness(url);
    const { requests, latency, non2xx, errors } = await load(url, connections, Number(flags.seconds));
    const delay = await lateness(url);
    const row = {
      model: flags.model,
      server,
      connections,
      perSecond: requests.average,
      p50: latency.p50,
      p99: latency.p99,
    };
    console.log(
      JSON.stringify({ ...row, rssMiB: memory(child.pid), loopP99Ms: delay, refused: non2xx, errors }),
    );
    child.kill('SIGKILL'); // uvicorn waits for connections that are kept
    await new Promise((done) => child.once('close', done));
  }
