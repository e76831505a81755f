// The package as a user gets it: prebuilt binaries, packed, installed without scripts in an empty folder, and
// used once.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from './release/pack.mjs';

const use = `
import { Classifier, createModel, imageSet, init, Model, serveClassifier, train } from 'lm-resnet';
import { createClient } from 'lm-resnet/client';
init({ threads: 1 });
const images = Uint8Array.from({ length: 8 * 12 * 12 }, (_, i) => (i * 37) % 256);
const set = imageSet({ images, labels: [0, 1, 0, 1, 0, 1, 0, 1], height: 12, width: 12, channels: 1 });
const model = await createModel('lm_resnet20', { classes: 2, input: [1, 12, 12], seed: 1 });
const { steps } = await train(model, { train: set }, { batch: 8, epochs: 2, run: 'run' });
const loaded = await Model.load('run/checkpoint.safetensors');
const [first] = await loaded.predict(images.subarray(0, 144));
if (steps !== 2 || !(first.probability > 0)) throw new Error('the installed package does not work');
console.log(\`trained \${steps} steps, saved, loaded, predicted \${first.label}\`);
await loaded.close();
await model.close();
const classifier = await Classifier.open('run/checkpoint.safetensors');
const server = await serveClassifier(classifier, { port: 0 });
const picture = Buffer.from('P5 2 2 255\\n' + 'abcd');
const { label } = await createClient({ url: server.url }).classify(picture);
if (!['0', '1'].includes(label)) throw new Error('the installed client does not work');
await server.close();
await classifier.close();
`;

const folder = mkdtempSync(join(tmpdir(), 'lm-resnet-package-'));
try {
  const npm = (args, cwd) =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const tarballs = await pack({ out: folder });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  npm(
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs.map(({ file }) => file)],
    folder,
  );
  writeFileSync(join(folder, 'use.mjs'), use);
  const options = { cwd: folder, encoding: 'utf8' };
  const parameters = execFileSync('npx', ['--no', 'lm-resnet', 'info', 'lm_resnet20', '--json'], options);
  if (JSON.parse(parameters).parameters !== 272_384) throw new Error('lm-resnet info is wrong');
  console.log(execFileSync(process.execPath, ['use.mjs'], options).trim());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
