/** Prints by how many MiB 200 steps of training make the process grow, after a warm-up. */
import { chunk, graph, model, trainer } from './net.mjs';

const width = 16;
const training = trainer(model(graph(width)), { batch: 64, width });
const grown = async (first, steps) => {
  for (let i = 0; i < steps; i += 10) await training.run(chunk(10, first + i));
  globalThis.gc();
  return process.memoryUsage().rss / 2 ** 20;
};
const before = await grown(0, 60);
console.log((await grown(60, 200)) - before);
