// The programs that scripts/bench/steps/bench.mjs lets train in turn: lm-check, and PyTorch in its ways.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LmError, preset } from '../../../dist/index.js';
import { start } from '../turns.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const check = join(root, 'build/Release/lm-check');
const python = process.env.PYTHON ?? 'python3';
const env = { ...process.env, GOMP_SPINCOUNT: '10000' }; // as the opener sets it
const optimizer = ['--momentum', '0.9', '--nesterov', '--weight-decay', '1e-4'];

/**
 * So low that rounding does not part float32 from itself within 20 steps: at 2e-5 LM-ResNet-50's losses
 * change by 0.4 in four, and at 5e-8 by thousandths in twenty.
 */
const rateOf = (name) => (/20$/.test(name) ? '5e-4' : /56$|110$/.test(name) ? '1e-4' : '5e-8');

const gateSteps = 20;
const gateBound = 1e-4;

/** Passes that `lm-check --off` knows. */
export const passes = () => JSON.parse(execFileSync(check, ['--switches'], { encoding: 'utf8' }));

/** Writes a network, weights and images of a race into a folder of it. */
export function prepare(folder, { name, batch, size }) {
  mkdirSync(folder, { recursive: true });
  const write = (file, options) => {
    const spec = preset(name, { input: [3, size, size], ...options }).toSpec();
    writeFileSync(join(folder, file), JSON.stringify(spec));
  };
  write('graph.json', {});
  write('twin.json', { scheme: 'euler' }); // equal but for k
  const graph = join(folder, 'graph.json');
  const words = [graph, '--batch', String(batch), '--size', String(size), '--steps', '0', '--write', folder];
  execFileSync(check, words, { env, stdio: 'ignore' });
}

function wordsOf({ name, batch, size, threads }, steps, graph) {
  const sizes = { batch, size, threads, steps, lr: rateOf(name) };
  const more = Object.entries(sizes).flatMap(([key, value]) => [`--${key}`, String(value)]);
  return [graph, ...more, ...optimizer];
}

/** Where the time of ours goes, by lm-check --profile. */
export function profileOf(folder, race, words) {
  const all = [...wordsOf(race, race.size > 100 ? 3 : 20, join(folder, 'graph.json')), '--profile', ...words];
  return JSON.parse(execFileSync(check, all, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

/** Ours on the files of a folder: `words` such as --amp bfloat16; `graph`: that of the twin, too. */
export function ours(title, folder, race, steps, { words = [], graph = 'graph' } = {}) {
  const command = [check, ...wordsOf(race, steps, join(folder, `${graph}.json`)), '--turns', ...words];
  return start(title, command, { env, about: false });
}

/** PyTorch on the files of a folder. */
export async function rival(mode, folder, { name, batch, size, threads }, steps) {
  const script = fileURLToPath(new URL('step.py', import.meta.url));
  const program = await start(
    mode,
    [python, script, folder, mode, batch, size, threads, steps, rateOf(name)].map(String),
  );
  const { unavailable } = program.about;
  if (unavailable === undefined) return program;
  if (!/No module named|ENOENT|EACCES/.test(unavailable))
    throw new LmError('ERR_CONFIG', `PyTorch cannot race ${name}: ${unavailable}`);
  throw new LmError(
    'ERR_PREREQUISITE',
    `Expected a Python with torch for \`PYTHON\` but received ${python}: ${unavailable}`,
    { hint: 'python3 -m venv rivals; rivals/bin/pip install torch; PYTHON=rivals/bin/python npm run bench' },
  );
}

const largest = (found, wanted) => Math.max(...found.map((loss, i) => Math.abs(loss - wanted[i])));

/** The largest difference of losses from PyTorch's; throws where it is no rounding, before any figure. */
export async function checkLosses(folder, race) {
  const small = { ...race, batch: 16, size: Math.min(race.size, 64) };
  prepare(folder, small);
  const both = [await rival('best', folder, small, gateSteps), await ours('ours', folder, small, gateSteps)];
  try {
    const [torch, own] = [await both[0].turn(), await both[1].turn()];
    const gap = largest(own.losses, torch.losses);
    if (!(gap <= gateBound))
      throw new LmError(
        'ERR_TORCH',
        `${race.name}: expected losses within ${gateBound} of PyTorch's over ${gateSteps} steps but received ${gap}`,
      );
    return gap;
  } finally {
    for (const program of both) program.close();
  }
}

/** Throws unless the first five losses are those of float32, as near as the type allows. */
export function checkTurn(title, losses, wanted) {
  const bound = /bf16|bfloat16/.test(title) ? 0.1 : gateBound;
  const gap = largest(losses.slice(0, 5), wanted);
  if (!(gap <= bound))
    throw new LmError(
      'ERR_TORCH',
      `${title}: expected losses within ${bound} of float32's but received ${gap}`,
    );
}
