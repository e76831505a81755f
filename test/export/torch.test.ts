/**
 * Exports to PyTorch: logits of the very modules that are written here, from
 * scripts/reference/exports/torch_golden.py, and torchvision's names.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/checkpoint/safetensors.ts';
import { exportTorch } from '../../src/export/exportTorch.ts';
import { torchNames } from '../../src/export/torch/names.ts';
import { torchOps } from '../../src/export/torch/ops.ts';
import { reciprocal } from '../../src/graph/coefficients.ts';
import { globalAvgPool, lin } from '../../src/graph/functions.ts';
import { Graph, trace } from '../../src/graph/graph.ts';
import { constant } from '../../src/graph/inits.ts';
import { ops } from '../../src/graph/ops.ts';
import { importTorchvision } from '../../src/import/importTorchvision.ts';
import type { Model } from '../../src/model/model.ts';
import { network } from '../../src/models/network.ts';
import { preset, presetConfig, presetNames } from '../../src/models/presets.ts';
import { torchvisionModels, torchvisionTwin } from '../../src/models/torchvision.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { plainInput } from '../support/natives.ts';
import { tensorsOf, tiny, tinyModel } from '../support/training.ts';
import { digest, type GoldenExport, logitsError, readGoldenExports } from './golden.ts';
import { exportedNets, filledModel } from './nets.ts';

const golden = readGoldenExports('torch');

interface Written {
  readonly folder: string;
  readonly file: string;
  /** The Python file. */
  readonly text: string;
}

/** The export of a model, in a folder of its own. */
async function written(model: Model, name = 'net.safetensors'): Promise<Written> {
  const folder = await temporaryFolder();
  const { file, module } = await exportTorch(model, join(folder, name));
  return { folder, file, text: module === null ? '' : await readFile(module, 'utf8') };
}

describe('the table of operations', () => {
  it('has every primitive operation', () => {
    expect(Object.keys(torchOps)).toEqual(Object.keys(ops));
  });

  it('is compared with PyTorch on every network of the list', () => {
    expect(Object.keys(golden).toSorted()).toEqual(Object.keys(exportedNets).toSorted());
  });
});

describe('the module of', () => {
  it.each(Object.entries(exportedNets))(
    '%s is the one that PyTorch ran, whose logits are ours to 1e-5',
    async (name, graph) => {
      const model = await filledModel(graph());
      const { text } = await written(model, `${encodeURIComponent(name)}.safetensors`);
      const wanted = golden[name] as GoldenExport;
      expect(digest(Buffer.from(text))).toBe(wanted.sha256);
      expect(await logitsError(model, wanted)).toBeLessThan(1e-5);
    },
  );
});

describe('the state dict', () => {
  it.each(['float32', 'float64'] as const)('has every tensor of a model of %s as it is', async (dtype) => {
    const model = await tinyModel({ dtype, classNames: ['a', 'b', 'c', 'd'] });
    const { file, text } = await written(model);
    const { tensors, metadata } = await readSafetensors(file);
    const found = Object.fromEntries(
      [...tensors].map(([name, { data }]) => [name, Array.from(data, Number)]),
    );
    expect(found).toEqual(await tensorsOf(model));
    expect(text).toContain(`Network().to(torch.${dtype})`);
    const { format, name, classNames, preprocessing } = metadata;
    expect({ format, name }).toEqual({ format: 'pt', name: 'tiny' });
    expect(JSON.parse(classNames ?? '')).toEqual(['a', 'b', 'c', 'd']);
    expect(JSON.parse(preprocessing ?? '')).toEqual(model.input);
  });

  it('is found by its module, whatever it is called', async () => {
    for (const name of ['net.safetensors', 'weights', 'a "b" é.bin'])
      expect((await written(await tinyModel(), name)).text).toContain(`with_name(${JSON.stringify(name)})`);
  });
});

describe('a ResNet of torchvision', () => {
  const names = JSON.parse(
    readFileSync(new URL('../golden/torchvision.json', import.meta.url), 'utf8'),
  ) as Readonly<Record<string, Readonly<Record<string, string | null>>>>;

  it('is told from all other presets', () => {
    const found = presetNames.filter((name) => torchvisionTwin(preset(name)) !== null);
    expect(found.toSorted()).toEqual([...torchvisionModels].toSorted());
  });

  it.each([
    ['with other classes and images', preset('resnet18', { classes: 3, input: [3, 40, 56] }), 'resnet18'],
    [
      'as a checkpoint has it',
      Graph.fromSpec(JSON.parse(JSON.stringify(preset('resnet18').toSpec()))),
      'resnet18',
    ],
    ['under another name', network({ ...presetConfig('resnet34'), name: 'mine' }), 'resnet34'],
    ['of gray images', preset('resnet18', { input: [1, 32, 32] }), null],
    ['with another shortcut', preset('resnet18', { shortcut: 'A' }), null],
  ] as const)('%s', (_, graph, wanted) => {
    expect(torchvisionTwin(graph)).toBe(wanted);
  });

  it('is written with torchvision’s names, all of them, and is read again as it was', async () => {
    const model = await tinyModel({}, preset('resnet18', { classes: 5, input: [3, 32, 32] }));
    const { folder, file } = await written(model);
    expect(await readdir(folder)).toEqual(['net.safetensors']);
    const { tensors } = await readSafetensors(file);
    expect([...tensors.keys()].toSorted()).toEqual(Object.keys(names.resnet18 ?? {}).toSorted());
    await using again = await importTorchvision('resnet18', file, { classes: 5, device: 'cpu' });
    for (const { path } of [...model.graph.params, ...model.graph.buffers]) {
      const [found, wanted] = [await again.readTensor(path), await model.readTensor(path)];
      expect(digest(new Uint8Array(found.buffer)), path).toBe(digest(new Uint8Array(wanted.buffer)));
    }
  });
});

describe('names in Python', () => {
  const named = (...paths: readonly string[]): string[] => {
    const graph = trace('named', plainInput(1, 2, 2), (_, x) => globalAvgPool(x));
    const params = paths.map((path) => ({ path }));
    return [...torchNames({ ...graph.toSpec(), params } as unknown as Graph).values()];
  };

  it.each([
    { title: 'stay', paths: ['stem.conv.weight', 'k'], names: ['stem.conv.weight', 'k'] },
    { title: 'are no words of Python', paths: ['lambda', 'for.x'], names: ['lambda_', 'for_.x'] },
    { title: 'are no attributes of a module', paths: ['train.k', 'a.type'], names: ['train_.k', 'a.type_'] },
    { title: 'begin with a letter', paths: ['0.k', '_x', ''], names: ['n0.k', 'n_x', 'n'] },
    { title: 'are of a place or a tensor', paths: ['a', 'a.b', 'a.b.c'], names: ['a_', 'a.b_', 'a.b.c'] },
    { title: 'are not alike', paths: ['a-b', 'a_b', 'a b'], names: ['a_b', 'a_b_', 'a_b__'] },
    { title: 'hold no code', paths: ['x\n    import os #.k', '"""'], names: ['x_____import_os__.k', 'n___'] },
  ])('$title', ({ paths, names }) => {
    expect(named(...paths)).toEqual(names);
  });

  it('and texts of a graph from a stranger run nothing', async () => {
    const evil = '""")\nimport os; os.abort()\n#"\\';
    const spec = JSON.parse(
      JSON.stringify(tiny.toSpec()).replaceAll(
        'stem.conv',
        evil.replaceAll(/["\\\n]/g, (c) => JSON.stringify(c).slice(1, -1)),
      ),
    ) as object;
    const graph = Graph.fromSpec({ ...spec, name: evil });
    const { text } = await written(await tinyModel({ classNames: [evil, 'b', 'c', 'd'] }, graph));
    for (const line of text.split('\n')) expect(line).not.toMatch(/^\s*(import os|os\.)/);
    expect(text).toContain(`NAME = ${JSON.stringify(evil)}`);
  });
});

describe('an export to PyTorch is refused', () => {
  it('where its Python file would replace one of somebody else, and none of an earlier export', async () => {
    const model = await tinyModel();
    const { folder, file, text } = await written(model);
    await exportTorch(model, file);
    const module = join(folder, 'net.py');
    expect(await readFile(module, 'utf8')).toBe(text);
    await writeFile(module, 'import torch\n');
    await writeFile(file, 'old');
    expect(await codeOf(exportTorch(model, file))).toBe('ERR_CONFIG');
    expect(await readFile(module, 'utf8')).toBe('import torch\n');
    expect(await readFile(file, 'utf8')).toBe('old');
  });

  it('for a file of weights that is called as the Python file', async () => {
    expect(await codeOf(exportTorch(await tinyModel(), join(await temporaryFolder(), 'net.py')))).toBe(
      'ERR_CONFIG',
    );
  });

  it('onto its checkpoint', async () => {
    const file = join(await temporaryFolder(), 'model.safetensors');
    await (await tinyModel()).save(file);
    const before = await readFile(file);
    expect(await codeOf(exportTorch(file, file))).toBe('ERR_CONFIG');
    expect((await readFile(file)).equals(before)).toBe(true);
    expect(await readdir(join(file, '..'))).toEqual([basename(file)]);
  });

  it('of a coefficient that is no number', async () => {
    const graph = trace('infinite', plainInput(1, 2, 2), (s, x) => {
      const k = s.param('k', [1], constant(1));
      return globalAvgPool(lin([reciprocal(k), x]));
    });
    const coefs = graph.coefs.map((coef) => (coef.kind === 'param' ? { kind: 'constant', value: 0 } : coef));
    const zero = Graph.fromSpec({ ...graph.toSpec(), coefs, params: [] });
    expect(await codeOf(written(await tinyModel({}, zero)))).toBe('ERR_NOT_FINITE');
  });

  it('of what is no model or path', async () => {
    expect(await codeOf(exportTorch(7 as unknown as Model, 'a'))).toBe('ERR_CONFIG');
    expect(await codeOf(exportTorch('a', 7 as unknown as string))).toBe('ERR_CONFIG');
  });
});
