// Accuracy of LM-ResNet beside its twin, the pre-activation ResNet of the same depth, on Fashion-MNIST. One
// training for every depth, seed and network, on the CPU; each result is a line of a file and is not computed
// again, so that Ctrl-C costs one training and more seeds can follow. Ends with the tables of docs/results.md
// and a picture of the learned k_n.
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { drawCoefficients, report } from './results-report.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lm = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);

const help = `Usage: node scripts/results.mjs --data FOLDER [options]

FOLDER has the four files of Fashion-MNIST (Debian: package dataset-fashion-mnist, /usr/share/datasets/fashion-mnist).

  --depths 14,20        depths 6n + 2 of both networks; at 8 a stage has one step, no k_n, and the networks are the same
  --seeds 0,1,2         of the weights, the order of the images and the augmentation
  --epochs 1
  --steps N             end every training after N steps: to try the program
  --threads 1           the numbers depend on it in their last bits
  --out FILE            results, one line of JSON each (default: build/results.jsonl)
  --picture FILE        learned k_n as SVG (default: build/learned-k.svg)
  --report              train nothing: tables and picture of what is in the file`;

/** The networks that are compared: equal but for k_n, to the weights they start from. */
const nets = { 'LM-ResNet': 'lm_resnet20', ResNet: 'preact_resnet20' };
const batch = 128;
const recipe = { lr: 0.1, weightDecay: 1e-4, schedule: lm.oneCycle() };
const augmentation = [{ kind: 'randomCrop', size: 28, padding: 2 }, { kind: 'horizontalFlip' }];

/** A network of depth 6n + 2: n steps in each of three stages. */
function netOf(net, depth) {
  const { input, classes, mean, std } = lm.datasets['fashion-mnist'];
  const config = lm.presetConfig(nets[net], { classes, input, mean, std });
  const stages = config.stages.map((stage) => ({ ...stage, steps: (depth - 2) / 6 }));
  return lm.network({ ...config, name: `${net}-${depth}`, stages });
}

/** Whole numbers from a flag, as in 14,20. */
function numbers(text, name, least, good = () => true) {
  const all = text.split(',').map(Number);
  if (text !== '' && all.every((n) => Number.isSafeInteger(n) && n >= least && good(n))) return all;
  throw new Error(`Expected other whole numbers for --${name} than ${text}; see --help`);
}

/** One whole number from a flag, at least 1. */
function number(text, name) {
  const [first, ...rest] = numbers(text, name, 1);
  if (rest.length === 0) return first;
  throw new Error(`Expected one number for --${name} but received ${text}`);
}

/**
 * What is to be trained, in an order that completes one depth after the other, and in it one pair of networks
 * after the other.
 */
function jobsOf({ depths, seeds, epochs, steps }) {
  const pairs = depths.flatMap((depth) => seeds.map((seed) => ({ depth, seed })));
  return pairs.flatMap((pair) => Object.keys(nets).map((net) => ({ net, ...pair, epochs, steps })));
}

const keyOf = ({ net, depth, seed, epochs, steps }) => JSON.stringify([net, depth, seed, epochs, steps]);

/** The results in a file; a last line that was cut off is taken away. */
function readResults(file) {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole));
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

async function trainOne(job, data, signal) {
  const { net, depth, seed, epochs, steps } = job;
  const graph = netOf(net, depth);
  const model = await lm.Model.create(graph, { seed });
  try {
    const length = steps === null ? { epochs } : { steps };
    const result = await lm.train(model, data, { ...recipe, ...length, batch, seed, signal });
    if (result.evaluation === null) signal.throwIfAborted(); // stopped after the last step, before it
    const k = {};
    for (const { path } of graph.toSpec().params)
      if (path.endsWith('.k')) k[path] = (await model.readTensor(path))[0];
    const { seconds, evaluation } = result;
    return { ...job, top1: evaluation.top1, testLoss: evaluation.loss, seconds, k };
  } finally {
    await model.close();
  }
}

/** Trains what is not in the file yet. */
async function trainAll(jobs, { folder, file, threads }, signal) {
  const done = new Set(readResults(file).map(keyOf));
  const left = jobs.filter((job) => !done.has(keyOf(job)));
  if (left.length === 0) return;
  lm.init({ threads });
  const from = { kind: 'fashion-mnist', path: folder };
  const train = await lm.openDataset({ ...from, transform: augmentation });
  const test = await lm.openDataset({ ...from, split: 'test' });
  mkdirSync(dirname(file), { recursive: true });
  for (const job of left) {
    const row = { ...(await trainOne(job, { train, test }, signal)), threads };
    appendFileSync(file, `${JSON.stringify(row)}\n`, { flush: true });
    const { net, depth, seed, top1, seconds } = row;
    console.error(
      `${net}-${depth} seed ${seed}: ${(100 * top1).toFixed(2)} %, ${seconds.toFixed(0)} s of steps`,
    );
  }
}

/** Prints the tables of what is in the file for this length of training, and draws the k_n. */
function tell({ file, picture, epochs, steps }) {
  const equal = readResults(file).filter((row) => row.epochs === epochs && row.steps === steps);
  if (equal.length === 0) throw new Error(`No results of this length in ${file}`);
  const rows = equal.map((row) => ({
    ...row,
    parameters: lm.summary(netOf(row.net, row.depth)).totals.parameters,
  }));
  console.log(report(rows, Object.keys(nets)));
  mkdirSync(dirname(picture), { recursive: true });
  writeFileSync(picture, drawCoefficients(rows));
}

async function main(given) {
  const { values } = parseArgs({
    args: given,
    options: {
      data: { type: 'string' },
      depths: { type: 'string', default: '14,20' },
      seeds: { type: 'string', default: '0,1,2' },
      epochs: { type: 'string', default: '1' },
      steps: { type: 'string' },
      threads: { type: 'string', default: '1' },
      out: { type: 'string', default: join(root, 'build', 'results.jsonl') },
      picture: { type: 'string', default: join(root, 'build', 'learned-k.svg') },
      report: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(help);
  const epochs = number(values.epochs, 'epochs');
  const steps = values.steps === undefined ? null : number(values.steps, 'steps');
  const { out: file, picture } = values;
  if (!values.report) {
    if (values.data === undefined) throw new Error('Expected --data FOLDER; see --help');
    const depths = numbers(values.depths, 'depths', 14, (n) => n % 6 === 2);
    const jobs = jobsOf({ depths, seeds: numbers(values.seeds, 'seeds', 0), epochs, steps });
    const stop = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort());
    const threads = number(values.threads, 'threads');
    await trainAll(jobs, { folder: values.data, file, threads }, stop.signal);
  }
  tell({ file, picture, epochs, steps });
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = error.code === 'ERR_ABORTED' || error.name === 'AbortError' ? 130 : 1;
});
