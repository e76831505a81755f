/** What is exported, whatever the format: which weights, what a user is told, and what is refused. */
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from '../../src/export/exportOnnx.ts';
import { modelType, type OnnxModel } from '../../src/export/onnx/proto.ts';
import type { Model } from '../../src/model/model.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { askNode, dist, emptyEnvironment } from '../support/libtorch.ts';
import { noise, tinyModel } from '../support/training.ts';

/** The bytes that an export gives. */
async function bytesOf(source: Model | string, weights?: 'value' | 'ema'): Promise<Buffer> {
  const file = join(await temporaryFolder(), 'net.onnx');
  await exportOnnx(source, file, { weights });
  return readFile(file);
}

async function saved(model: Model): Promise<string> {
  const file = join(await temporaryFolder(), 'model.safetensors');
  await model.save(file);
  return file;
}

/** A checkpoint of a run that keeps an average. */
async function averaged(model: Model): Promise<string> {
  const run = join(await temporaryFolder(), 'run');
  await train(model, { train: noise(16) }, { batch: 8, steps: 2, modelEma: true, modelEmaDecay: 0.5, run });
  return join(run, 'checkpoint.safetensors');
}

describe('an export', () => {
  it('of a model, of the same again and of its checkpoint are the same bytes', async () => {
    const model = await tinyModel();
    const [first, again, ofFile] = [
      await bytesOf(model),
      await bytesOf(model),
      await bytesOf(await saved(model)),
    ];
    expect(again.equals(first)).toBe(true);
    expect(ofFile.equals(first)).toBe(true);
  });

  it('has the weights of a model of float64, rounded', async () => {
    const [wide, narrow] = [await tinyModel({ dtype: 'float64' }), await tinyModel()];
    for (const { path } of wide.graph.params)
      await narrow.writeTensor(path, Float32Array.from(await wide.readTensor(path)));
    expect((await bytesOf(wide)).equals(await bytesOf(narrow))).toBe(true);
  });

  it('has the average where that is asked for, weights and statistics', async () => {
    const model = await tinyModel();
    const checkpoint = await averaged(model);
    const average = await tinyModel();
    for (const { path } of [...model.graph.params, ...model.graph.buffers])
      await average.writeTensor(path, await model.readTensor(path, 'ema'));
    const wanted = await bytesOf(average);
    expect(wanted.equals(await bytesOf(model))).toBe(false);
    expect((await bytesOf(model, 'ema')).equals(wanted)).toBe(true);
    expect((await bytesOf(checkpoint, 'ema')).equals(wanted)).toBe(true);
  });

  it('needs no libtorch for a checkpoint', async () => {
    const checkpoint = await saved(await tinyModel());
    const program = `
      const { exportOnnx } = await import('${dist}index.js');
      answer(await exportOnnx(${JSON.stringify(checkpoint)}, ${JSON.stringify(`${checkpoint}.onnx`)}));`;
    const env = { ...emptyEnvironment(await temporaryFolder()), LIBTORCH: '/nowhere' };
    const { length } = await bytesOf(checkpoint);
    expect(await askNode(program, env)).toEqual({ file: `${checkpoint}.onnx`, opset: 15, bytes: length });
  });
});

describe('the metadata of ONNX', () => {
  it('say how images become the input and what the classes are called', async () => {
    const classNames = ['cat', 'dog, "wet"', 'Ünïcode', 'd'];
    const transform = [
      { kind: 'resize', size: 9 },
      { kind: 'centerCrop', size: 8 },
    ] as const;
    const model = await tinyModel({ classNames, transform, exif: false, sixteenBit: 'clip' });
    const type = await modelType();
    const { metadataProps, opsetImport, irVersion, graph } = type.toObject(
      type.decode(await bytesOf(model)),
      { longs: Number },
    ) as OnnxModel;
    const found = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]));
    expect(found.name).toBe('tiny');
    expect(JSON.parse(found.classNames ?? '')).toEqual(classNames);
    expect(JSON.parse(found.preprocessing ?? '')).toEqual(model.input);
    expect({ opset: opsetImport[0]?.version, irVersion }).toEqual({ opset: 15, irVersion: 8 });
    const sizes = [...graph.input, ...graph.output].map(({ type }) => type.tensorType.shape.dim);
    expect(sizes).toEqual([
      [{ dimParam: 'batch' }, { dimValue: 1 }, { dimValue: 8 }, { dimValue: 8 }],
      [{ dimParam: 'batch' }, { dimValue: 4 }],
    ]);
  });
});

describe('an export is refused', () => {
  const wrong: unknown = { graph: 1 };
  it.each([
    { title: 'of what is no model', source: wrong, file: 'a.onnx', options: {}, code: 'ERR_CONFIG' },
    { title: 'without a path', source: 'model', file: '', options: {}, code: 'ERR_CONFIG' },
    { title: 'to what is no path', source: 'model', file: 7, options: {}, code: 'ERR_CONFIG' },
    {
      title: 'of unknown weights',
      source: 'model',
      file: 'a',
      options: { weights: 'raw' },
      code: 'ERR_CONFIG',
    },
    {
      title: 'with an unknown option',
      source: 'model',
      file: 'a',
      options: { opset: 9 },
      code: 'ERR_CONFIG',
    },
    {
      title: 'of an average that is not there',
      source: 'model',
      file: 'a',
      options: { weights: 'ema' },
      code: 'ERR_CONFIG',
    },
    {
      title: 'of an average that a checkpoint has not',
      source: 'saved',
      file: 'a',
      options: { weights: 'ema' },
      code: 'ERR_CONFIG',
    },
    {
      title: 'of a checkpoint that is not there',
      source: 'nowhere',
      file: 'a',
      options: {},
      code: 'ERR_FILE',
    },
    {
      title: 'into a folder that is not there',
      source: 'saved',
      file: 'no/a.onnx',
      options: {},
      code: 'ERR_FILE',
    },
  ])('$title', async ({ source, file, options, code }) => {
    const model = await tinyModel();
    const given = source === 'model' ? model : source === 'saved' ? await saved(model) : source;
    const into = typeof file === 'string' && file !== '' ? join(await temporaryFolder(), file) : file;
    expect(await codeOf(exportOnnx(given as Model, into as string, options as object))).toBe(code);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'of weights that are %s, and of statistics',
    async (bad) => {
      for (const path of ['stem.conv.weight', 'head.bn.running_mean']) {
        const model = await tinyModel();
        await model.writeTensor(path, (await model.readTensor(path)).fill(bad));
        expect(await codeOf(bytesOf(model))).toBe('ERR_NOT_FINITE');
      }
    },
  );

  it('of weights that float32 does not hold', async () => {
    const model = await tinyModel({ dtype: 'float64' });
    await model.writeTensor('head.fc.bias', new Float64Array(4).fill(1e300));
    expect(await codeOf(bytesOf(model))).toBe('ERR_NOT_FINITE');
  });

  it('of a closed model', async () => {
    const model = await tinyModel();
    await model.close();
    expect(await codeOf(bytesOf(model))).toBe('ERR_CLOSED');
  });

  it('onto its checkpoint, under any name, and leaves that and other files as they are', async () => {
    const checkpoint = await saved(await tinyModel());
    const before = await readFile(checkpoint);
    const link = `${checkpoint}.link`;
    await symlink(checkpoint, link);
    for (const file of [checkpoint, link])
      expect(await codeOf(exportOnnx(checkpoint, file))).toBe('ERR_CONFIG');
    expect((await readFile(checkpoint)).equals(before)).toBe(true);
  });

  it('of a torn checkpoint, and the file that was there stays', async () => {
    const folder = await temporaryFolder();
    const [torn, file] = [join(folder, 'torn.safetensors'), join(folder, 'net.onnx')];
    await writeFile(torn, (await readFile(await saved(await tinyModel()))).subarray(0, -9));
    await writeFile(file, 'old');
    expect(await codeOf(exportOnnx(torn, file))).toBe('ERR_CHECKPOINT');
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['net.onnx', 'torn.safetensors']);
  });
});
