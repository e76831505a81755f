// A small training of several processes, for the checks beside it: its images, its command, what it came to.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Model } from '../../dist/index.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Numbers in [0, 1), the same for a seed. */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function idx(type, sizes, bytes) {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  head.writeUInt32BE(0x800 + sizes.length, 0);
  for (const [i, size] of sizes.entries()) head.writeUInt32BE(size, 4 + 4 * i);
  return [type, Buffer.concat([head, bytes])];
}

/** Gray images of noise, 28 x 28, of 10 classes, as the files of MNIST. */
function writeImages(folder) {
  mkdirSync(folder, { recursive: true });
  const random = generator(7);
  for (const [part, count] of [
    ['train', 96],
    ['t10k', 20],
  ]) {
    const pixels = Buffer.from(Uint8Array.from({ length: 784 * count }, () => 256 * random()));
    const labels = Buffer.from(Uint8Array.from({ length: count }, (_, i) => i % 10));
    for (const [name, bytes] of [
      idx('images-idx3', [count, 28, 28], pixels),
      idx('labels-idx1', [count], labels),
    ])
      writeFileSync(join(folder, `${part}-${name}-ubyte`), bytes);
  }
}

/** A folder of images and runs that goes away after the work. */
export async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'lm-ranks-'));
  try {
    writeImages(join(folder, 'images'));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The program of this package and its words: a training that begins in a run folder or goes on there. */
export function training(folder, run, { steps = 36, more = [] } = {}) {
  const data = ['--data', `mnist:${join(folder, 'images')}`];
  const sizes = ['--global-batch', '16', '--steps', String(steps), '--checkpoint-every', '4', '--lr', '0.01'];
  const noise = ['--mixup', '0.2', '--cutmix', '0.5', '--model-ema', '--seed', '3'];
  const place = ['--device', 'cpu', '--dtype', 'float64', '--threads', '1', '--workers', '1', '--quiet'];
  const own = ['--run', join(folder, run), '--auto-resume', '--timeout', '60'];
  return [process.execPath, main, 'train', ...data, ...sizes, ...noise, ...place, ...own, ...more];
}

/** `lm-resnet launch` of so many processes of it. */
export function launched(nproc, [node, file, ...words]) {
  return [node, file, 'launch', '--nproc', String(nproc), '--', ...words];
}

const children = new Set();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Starts a program. `ended` has its exit code and what it said; `pid`, `kill`, `isOver`. */
export function start([file, ...args], { env = {}, cwd } = {}) {
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      said += data;
    });
  children.add(child);
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve({ code: code ?? signal, said });
    });
  });
  return { pid: child.pid, kill: (signal) => child.kill(signal), isOver: () => !children.has(child), ended };
}

/** Runs a program to its end. Throws where it fails. */
export async function runToEnd(command, options) {
  const { code, said } = await start(command, options).ended;
  if (code !== 0) throw new Error(`${command.slice(0, 6).join(' ')} … ended with ${code}:\n${said}`);
  return said;
}

/**
 * The processes that a process started, and those that they did, which have these words in their command; of
 * null: of all processes.
 */
export function descendants(pid, words) {
  const parents = new Map();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one)))
    try {
      parents.set(
        Number(name),
        Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1]),
      );
    } catch {} // it has ended
  const isBelow = (id) => id !== undefined && id > 1 && (id === pid || isBelow(parents.get(id)));
  return [...parents.keys()].filter((id) => {
    try {
      const line = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0');
      return id !== pid && (pid === null || isBelow(id)) && words.every((word) => line.includes(word));
    } catch {
      return false;
    }
  });
}

/** Steps that the log of a run has. */
export function stepsOf(folder, run) {
  try {
    const lines = readFileSync(join(folder, run, 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    return Math.max(0, ...lines.map((line) => JSON.parse(line).step ?? 0));
  } catch {
    return 0; // none yet, or half a line
  }
}

/** Waits until something is so; false where a program ended before, or it took too long. */
export async function until(what, ended, seconds = 120) {
  let over = false;
  void ended?.then(() => {
    over = true;
  });
  for (const end = Date.now() + 1000 * seconds; !over && Date.now() < end; await sleep(20))
    if (what()) return true;
  return false;
}

export function digest(folder, run) {
  return createHash('sha256')
    .update(readFileSync(join(folder, run, 'checkpoint.safetensors')))
    .digest('hex');
}

/** The largest difference of two runs' weights and statistics. */
export async function apart(folder, a, b) {
  const models = [];
  for (const run of [a, b])
    models.push(await Model.load(join(folder, run, 'checkpoint.safetensors'), { device: 'cpu' }));
  const [left, right] = models;
  let most = 0;
  for (const { path } of [...left.graph.params, ...left.graph.buffers]) {
    const [x, y] = [await left.readTensor(path), await right.readTensor(path)];
    for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i] - y[i]));
  }
  for (const model of models) await model.close();
  return most;
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Runs checks by name and prints one line of JSON for each; the exit code is 1 where one is not so. */
export async function report(checks, only) {
  for (const [name, check] of Object.entries(checks)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const begun = performance.now();
    const found = await check().catch((error) => ({ ok: false, error: error.message }));
    const seconds = Number(((performance.now() - begun) / 1000).toFixed(1));
    console.log(JSON.stringify({ check: name, ...found, seconds }));
    if (found.ok !== true) process.exitCode = 1;
  }
}
