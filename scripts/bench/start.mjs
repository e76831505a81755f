// How soon the package works: npm run bench:start -- [rounds 15]. The modules lie as they are published (in a
// few files: release/bundle.mjs), on the native build of this clone. Medians in milliseconds, in turn: Node
// itself, `import`, and from the start of the process to the first answer, by `Classifier` and over HTTP.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createModel } from '../../dist/index.js';
import { bundle } from '../release/bundle.mjs';
import { pictures } from './serve-requests.mjs';
import { median } from './turns.mjs';

const rounds = Number(process.argv[2] ?? 15);
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'lm-resnet-start-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const at = (...names) => join(folder, ...names);

cpSync(join(root, 'dist'), at('dist'), { recursive: true });
cpSync(join(root, 'package.json'), at('package.json'));
for (const name of ['node_modules', 'build']) symlinkSync(join(root, name), at(name));
await bundle(at('dist'));
const index = JSON.stringify(pathToFileURL(at('dist', 'index.js')).href);

const classify = (model) => `
  import { readFileSync } from 'node:fs';
  const { Classifier } = await import(${index});
  const classifier = await Classifier.open(${JSON.stringify(model)});
  await classifier.classify(readFileSync(${JSON.stringify(at('picture.jpg'))}));
  console.log(performance.now());
  await classifier.close();`;

/** What a program prints, which is milliseconds since it started. */
async function printed(program) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return Number(await text(child.stdout));
}

/** Until `serve` has answered a request. */
async function served(model) {
  const start = performance.now();
  const words = [at('dist', 'cli', 'main.js'), 'serve', model, '--port', '0', '--json'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => child.once('exit', done));
  const line = await new Promise((done) => child.stdout.once('data', done));
  const body = await pictures(32, 2).then(([, jpeg]) => jpeg);
  const answer = await fetch(`${JSON.parse(line).url}/classify`, { method: 'POST', body });
  const took = performance.now() - start;
  if (answer.status !== 200) throw new Error(`serve answered ${answer.status}: ${await answer.text()}`);
  child.kill('SIGTERM');
  await ended;
  return took;
}

const [, picture] = await pictures(32, 2);
writeFileSync(at('picture.jpg'), picture);
const parts = {
  node: () => printed('console.log(performance.now())'),
  import: () =>
    printed(`const t = performance.now(); await import(${index}); console.log(performance.now() - t)`),
};
for (const name of ['lm_resnet20', 'lm_resnet50']) {
  const model = await createModel(name, { classes: 10, seed: 1 });
  await model.save(at(`${name}.safetensors`));
  await model.close();
  parts[`${name}, Classifier`] = () => printed(classify(at(`${name}.safetensors`)));
  parts[`${name}, serve`] = () => served(at(`${name}.safetensors`));
}
const times = Object.fromEntries(Object.keys(parts).map((name) => [name, []]));
for (let round = 0; round < rounds; ++round)
  for (const [name, run] of Object.entries(parts)) times[name].push(await run());
for (const [name, found] of Object.entries(times))
  console.log(
    JSON.stringify({ what: name, ms: Math.round(median(found)), least: Math.round(Math.min(...found)) }),
  );
