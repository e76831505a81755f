// Every named model at its published size: one training step at batch 2, evaluated, saved, loaded, and one
// prediction. Takes minutes and a few GB:
//   npm run check:networks -- [names…] [--threads N]
// Prints one JSON line per model; the default test suite does the same with thin twins.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { imageSet, init, Model, preset, presetNames, summary, train } from '../dist/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string' } },
});
init({ threads: values.threads === undefined ? undefined : Number(values.threads) });
const folder = mkdtempSync(join(tmpdir(), 'lm-networks-'));

async function check(name) {
  const start = performance.now();
  const graph = preset(name);
  const { channels, height, width } = graph.input;
  const size = channels * height * width;
  const images = Uint8Array.from({ length: 2 * size }, (_, i) => (i * 2654435761) >>> 24);
  const classNames = Array.from({ length: graph.classes }, (_, i) => String(i));
  const set = imageSet({ images, labels: [0, 1], height, width, channels, classNames });
  const model = await Model.create(graph, { seed: 1 });
  const { loss } = await train(model, { train: set }, { batch: 2, steps: 1, lr: 0.001 });
  const { count } = await model.evaluate(set, { batch: 2 });
  const file = join(folder, `${name}.safetensors`);
  await model.save(file);
  const logits = await model.logits(images.subarray(0, size));
  await model.close();
  const loaded = await Model.load(file);
  const same = (await loaded.logits(images.subarray(0, size))).every((z, i) => Object.is(z, logits[i]));
  await loaded.close();
  rmSync(file);
  if (!(loss > 0) || count !== 2 || !same)
    throw new Error(`${name}: loss ${loss}, ${count} images, same ${same}`);
  const { parameters, macs } = summary(graph).totals;
  const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
  console.log(
    JSON.stringify({ name, parameters, macs, pixels: height, loss: Number(loss.toFixed(4)), seconds }),
  );
}

try {
  for (const name of positionals.length > 0 ? positionals : presetNames) await check(name);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
