/**
 * Prints by how many MiB the process, and what it reports to V8, grow when 40 models of 16 MiB are left to
 * the collector.
 */
import { globalAvgPool, linear } from '../../../dist/graph/functions.js';
import { trace } from '../../../dist/graph/graph.js';
import { constant } from '../../../dist/graph/inits.js';
import { model } from './net.mjs';

const input = { channels: 1, height: 1, width: 1, mean: [0], std: [1] };
const large = trace('large', input, (s, x) =>
  linear(globalAvgPool(x), s.param('weight', [2 ** 22, 1], constant(1))),
);

async function use() {
  await model(large).readTensor('weight', 'gradient');
}
async function measure() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
  const { rss, external } = process.memoryUsage();
  return { rss: rss / 2 ** 20, external: external / 2 ** 20 };
}
for (let i = 0; i < 3; i++) await use();
const before = await measure();
for (let i = 0; i < 40; i++) {
  await use();
  if (i % 4 === 0) await measure();
}
const after = await measure();
console.log(JSON.stringify({ rss: after.rss - before.rss, external: after.external - before.external }));
