import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkpointVersion, readCheckpoint, readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import {
  readSafetensors,
  readSafetensorsHeader,
  type Tensor,
  writeSafetensors,
} from '../../src/checkpoint/safetensors.ts';
import type { TensorEntry, TensorValues } from '../../src/checkpoint/tensorEntry.ts';
import { minus } from '../../src/graph/coefficients.ts';
import { lin } from '../../src/graph/functions.ts';
import { uniform } from '../../src/graph/inits.ts';
import { Model } from '../../src/model/model.ts';
import { network } from '../../src/models/network.ts';
import { chain, conv, norm, relu } from '../../src/nn/layers.ts';
import type { Block, Scheme } from '../../src/roles.ts';
import { train } from '../../src/train/train.ts';
import { runWithSmallFiles } from '../support/children.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { askNode, dist } from '../support/libtorch.ts';
import { noiseBytes } from '../support/noise.ts';
import { loaded, noise, tensorsOf, tinyConfig, tinyModel } from '../support/training.ts';

const pixels = noiseBytes(3 * 64);
const k = 'stage1.step1.k';

async function saved(model: Model): Promise<string> {
  const path = join(await temporaryFolder(), 'model.safetensors');
  await model.save(path);
  return path;
}

async function trained(): Promise<Model> {
  const model = await tinyModel({ classNames: ['a', 'b', 'c', 'd'] });
  await train(model, { train: noise(32) }, { steps: 4, batch: 8 });
  return model;
}

describe('a checkpoint', () => {
  it('is loaded as the same model, to the bit', async () => {
    const model = await trained();
    const copy = await loaded(await saved(model));
    expect(copy.graph).toEqual(model.graph);
    expect(copy).toMatchObject({ classNames: ['a', 'b', 'c', 'd'], dtype: 'float32' });
    expect(await tensorsOf(copy)).toEqual(await tensorsOf(model));
    expect(await copy.logits(pixels)).toEqual(await model.logits(pixels));
  });

  it('has the same bytes when it is saved again, by the model or by its copy', async () => {
    const model = await trained();
    const path = await saved(model);
    const bytes = await readFile(path, 'base64');
    expect(await readFile(await saved(model), 'base64')).toBe(bytes);
    expect(await readFile(await saved(await loaded(path)), 'base64')).toBe(bytes);
  });

  it('knows nothing of a run when it was saved by itself', async () => {
    const info = await readCheckpointInfo(await saved(await trained()));
    expect(info).toMatchObject({ run: null, dtype: 'float32' });
  });

  it('of a run has its settings and the momentum', async () => {
    const run = join(await temporaryFolder(), 'run');
    const model = await tinyModel();
    const { checkpoint } = await train(model, { train: noise(32) }, { steps: 4, batch: 8, run });
    const read = await readCheckpoint(checkpoint ?? '');
    expect(read.run).toMatchObject({ step: 4, totalSteps: 4, settings: { batch: 8, lr: 0.1 } });
    expect([...read.sets.keys()]).toEqual(['value', 'momentum']);
    expect([...(read.sets.get('momentum')?.keys() ?? [])]).toEqual(
      model.graph.params.map(({ path }) => path),
    );
    expect(read.sets.get('momentum')?.get(k)).toEqual(await model.readTensor(k, 'momentum'));
  });

  it('of a run has all that its optimiser remembers', async () => {
    const run = join(await temporaryFolder(), 'run');
    const model = await tinyModel();
    const settings = { optimizer: 'adamw', lr: 0.01, steps: 4, batch: 8, run } as const;
    const { checkpoint } = await train(model, { train: noise(32) }, settings);
    const { sets } = await readCheckpoint(checkpoint ?? '');
    expect([...sets.keys()]).toEqual(['value', 'momentum', 'secondMoment']);
    expect(sets.get('secondMoment')?.get(k)).toEqual(await model.readTensor(k, 'secondMoment'));
  });

  it('is loaded in another precision: wider without loss, narrower rounded', async () => {
    const path = await saved(await trained());
    const exact = await tensorsOf(await loaded(path));
    const wide = await loaded(path, { dtype: 'float64' });
    expect(wide.dtype).toBe('float64');
    expect(await tensorsOf(wide)).toEqual(exact);

    await wide.writeTensor(k, Float64Array.of(0.1));
    const narrow = await loaded(await saved(wide), { dtype: 'float32' });
    expect(await narrow.readTensor(k)).toEqual(Float32Array.of(0.1));
    expect(await (await loaded(await saved(wide))).readTensor(k)).toEqual(Float64Array.of(0.1));
  });
});

describe('a checkpoint of a scheme and a block of the user', () => {
  const damped: Scheme = {
    name: 'damped',
    enter: (history) => history,
    step([u, prev], field, { s }) {
      const f = field();
      if (!prev) return [lin([1, u], [1, f(u)]), u];
      const k = s.param('k', [1], uniform(-0.1, 0));
      return [lin([minus(1, k), u], [k, prev], [1, f(u)]), u];
    },
  };
  const thinBlock: Block = (s, io) =>
    chain(
      norm(s.at('bn'), io.in),
      relu(s.at('relu')),
      conv(s.at('conv'), { in: io.in, out: io.out, kernel: 3, stride: io.stride }),
    );

  it('serves in a process that has none of their code', async () => {
    const graph = network({ ...tinyConfig, name: 'damped', scheme: damped, block: thinBlock });
    const model = await tinyModel({}, graph);
    await train(model, { train: noise(32) }, { steps: 2, batch: 8 });
    const program = `
      const { init, Model } = await import('${dist}index.js');
      init({ threads: 1 });
      const model = await Model.load(${JSON.stringify(await saved(model))}, { device: 'cpu' });
      const logits = await model.logits(Uint8Array.from(${JSON.stringify(Array.from(pixels))}));
      answer({ logits: Array.from(logits), schemes: [...new Set(model.graph.steps.map((s) => s.scheme))] });`;
    const logits = Array.from(await model.logits(pixels));
    expect(await askNode(program)).toEqual({ logits, schemes: ['damped'] });
  });
});

describe('a file that is no sound checkpoint', () => {
  const load = async (bytes: Uint8Array): Promise<string> => {
    const path = join(await temporaryFolder(), 'bad.safetensors');
    await writeFile(path, bytes);
    return codeOf(Model.load(path, { device: 'cpu' }));
  };

  it('is refused wherever it was cut off', async () => {
    const bytes = await readFile(await saved(await tinyModel()));
    const cuts = [0, 1, 7, 8, 9, 100, bytes.length >> 1, bytes.length - 1];
    for (const cut of cuts) expect(await load(bytes.subarray(0, cut)), `${cut}`).toBe('ERR_CHECKPOINT');
  });

  it('is refused wherever one bit was turned', async () => {
    const bytes = await readFile(await saved(await tinyModel()));
    const last = bytes.length - 1;
    const places = Array.from({ length: 150 }, (_, i) => Math.round((i * last) / 149));
    for (const [i, place] of [...Array(8).keys(), ...places].entries()) {
      const turned = Buffer.from(bytes);
      turned[place] = (turned[place] ?? 0) ^ (1 << (i % 8));
      expect(await load(turned), `bit ${i % 8} of byte ${place}`).toBe('ERR_CHECKPOINT');
    }
  });

  it('is refused when another program wrote it', async () => {
    const path = fileURLToPath(new URL('../golden/reference.safetensors', import.meta.url));
    expect(await codeOf(Model.load(path))).toBe('ERR_CHECKPOINT');
    expect(await codeOf(readCheckpointInfo(path))).toBe('ERR_CHECKPOINT');
  });

  it('is ERR_FILE when it is missing or a folder', async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(Model.load(join(folder, 'none.safetensors')))).toBe('ERR_FILE');
    expect(await codeOf(Model.load(folder))).toBe('ERR_FILE');
  });

  it('is refused before memory is taken for a tensor that its graph does not have', async () => {
    const path = await saved(await tinyModel());
    const { metadata } = await readSafetensorsHeader(path);
    const fields = { __metadata__: metadata, more: { dtype: 'U8', shape: [1e12], data_offsets: [0, 1e12] } };
    const header = Buffer.from(JSON.stringify(fields));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(path, Buffer.concat([length, header]));
    await truncate(path, 8 + header.length + 1e12); // sparse: takes no space
    expect(await codeOf(Model.load(path))).toBe('ERR_CHECKPOINT');
  });

  interface Change {
    readonly metadata?: Readonly<Record<string, string | undefined>>;
    readonly tensor?: (name: string, tensor: Tensor) => Tensor | undefined;
  }

  const only = (name: string, change: (tensor: Tensor) => Tensor | undefined): Change => ({
    tensor: (found, tensor) => (found === name ? change(tensor) : tensor),
  });
  const changes: readonly { readonly title: string; readonly change: Change; readonly code?: string }[] = [
    { title: 'nothing changed', change: {}, code: 'none' },
    { title: 'a newer version', change: { metadata: { version: String(checkpointVersion + 1) } } },
    { title: 'a version that is no number', change: { metadata: { version: 'new' } } },
    { title: 'no version', change: { metadata: { version: undefined } } },
    { title: 'another format', change: { metadata: { format: 'pt' } } },
    { title: 'a graph that is not JSON', change: { metadata: { graph: '{' } } },
    { title: 'a graph that is none', change: { metadata: { graph: '{"version":1}' } } },
    { title: 'no graph', change: { metadata: { graph: undefined } } },
    { title: 'a graph of brackets', change: { metadata: { graph: '['.repeat(1e6) } } },
    { title: 'a graph of empty values', change: { metadata: { graph: `[${'{},'.repeat(2e6)}0]` } } },
    { title: 'class names that are not JSON', change: { metadata: { classNames: 'cat' } } },
    { title: 'too few class names', change: { metadata: { classNames: '["cat"]' } } },
    { title: 'a run that is not JSON', change: { metadata: { run: '' } } },
    { title: 'an unknown precision', change: { metadata: { dtype: 'float8' } } },
    { title: 'a missing tensor', change: only(k, () => undefined) },
    { title: 'a tensor of another shape', change: only(k, (t) => ({ ...t, shape: [1, 1] })) },
    {
      title: 'a tensor of whole numbers',
      change: only(k, (t) => ({ ...t, dtype: 'I32', data: Int32Array.of(1) })),
    },
  ];

  it.each(changes)('is refused: $title', async ({ change, code = 'ERR_CHECKPOINT' }) => {
    const path = await saved(await tinyModel());
    const { metadata, tensors } = await readSafetensors(path);
    const changed = Object.entries({ ...metadata, ...change.metadata }).filter(([, v]) => v !== undefined);
    const entries = [...tensors].flatMap(([name, tensor]): TensorEntry[] => {
      const { dtype, shape, data } =
        change.tensor === undefined ? tensor : (change.tensor(name, tensor) ?? {});
      if (shape === undefined) return [];
      return [{ name, shape, dtype: dtype as TensorEntry['dtype'], data: data as TensorValues }];
    });
    await writeSafetensors(path, entries, Object.fromEntries(changed) as Record<string, string>);
    expect(await codeOf(Model.load(path, { device: 'cpu' }).then((model) => model.close()))).toBe(code);
  });

  it('is refused when its digest was taken away', async () => {
    const bytes = await readFile(await saved(await tinyModel()));
    const key = bytes.indexOf('"sha256"');
    bytes.write('"sha257"', key);
    expect(await load(bytes)).toBe('ERR_CHECKPOINT');
  });
});

describe('saving that fails', () => {
  it.each(['/dev/null/model.safetensors', '/proc/model.safetensors'])('is ERR_FILE: %s', async (path) => {
    expect(await codeOf((await tinyModel()).save(path))).toBe('ERR_FILE');
  });

  it('is ERR_FILE where a folder has the name', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
    expect(await codeOf((await tinyModel()).save(join(folder, 'taken')))).toBe('ERR_FILE');
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('leaves the old file whole, and nothing else, when the disk takes no more', async () => {
    const path = await saved(await tinyModel());
    const old = await readFile(path, 'base64');
    const { stdout } = await runWithSmallFiles(
      16,
      `const { init, Model } = await import('${dist}index.js');
      init({ threads: 1 });
      const model = await Model.load(${JSON.stringify(path)}, { device: 'cpu' });
      await model.writeTensor('${k}', Float32Array.of(7));
      const code = await model.save(${JSON.stringify(path)}).catch((error) => error.code);
      console.log(code, (await model.readTensor('${k}'))[0]);`,
    );
    expect(stdout).toBe('ERR_FILE 7\n');
    expect(await readFile(path, 'base64')).toBe(old);
    expect(await readdir(join(path, '..'))).toEqual(['model.safetensors']);
  });

  it('leaves nothing behind when the model is closed', async () => {
    const model = await tinyModel();
    const path = join(await temporaryFolder(), 'model.safetensors');
    await model.close();
    expect(await codeOf(model.save(path))).toBe('ERR_CLOSED');
    expect(await readdir(join(path, '..'))).toEqual([]);
  });
});
