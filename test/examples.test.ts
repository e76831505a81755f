/** The examples of the documentation, run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trainAndSave } from '../examples/own-scheme.ts';
import { temporaryFolder } from './support/folder.ts';
import { askNode, dist } from './support/libtorch.ts';
import { noise } from './support/training.ts';

describe('a scheme and a block of one’s own', () => {
  it('train, are saved, and serve in a process that has none of their code', async () => {
    const file = join(await temporaryFolder(), 'damped.safetensors');
    const images = noise(16);
    expect(await trainAndSave(images, file)).toBeGreaterThan(0);
    const program = `
      const { init, Model } = await import('${dist}index.js');
      init({ threads: 1 });
      const model = await Model.load(${JSON.stringify(file)});
      const { height, width, channels } = model.input;
      const [prediction] = await model.predict(new Uint8Array(height * width * channels));
      answer({ name: model.graph.name, scheme: model.graph.steps[1].scheme, sum: prediction.top.length });`;
    expect(await askNode(program)).toEqual({ name: 'damped20', scheme: 'damped', sum: 5 });
  });

  it('are written in the documentation as in the example', async () => {
    const root = new URL('../', import.meta.url);
    const [page, example] = await Promise.all(
      ['docs/schemes.md', 'examples/own-scheme.ts'].map((file) => readFile(new URL(file, root), 'utf8')),
    );
    const code = example?.slice(example.indexOf('/** u_{n+1}'), example.indexOf('/** Trains')).trim() ?? '-';
    expect(page).toContain(code);
  });
});
