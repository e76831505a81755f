/**
 * torchvision's weights in our models: names and logits from scripts/reference/resnet.py, weights from the
 * formula.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import type { TensorEntry } from '../../src/checkpoint/tensorEntry.ts';
import { isLmError } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { importTorchvision, importWeights } from '../../src/import/importTorchvision.ts';
import { Model } from '../../src/model/model.ts';
import { preset } from '../../src/models/presets.ts';
import { torchvisionName } from '../../src/models/torchvision.ts';
import { type GoldenNet, graphFor, readGolden, statisticOf } from '../reference/golden.ts';
import { networks } from '../reference/networks.ts';
import { temporaryFolder } from '../support/folder.ts';
import { formulaOf, uniform } from '../support/graphs/formula.ts';
import { distance } from '../support/tensor.ts';

type Names = Readonly<Record<string, string | null>>;

const golden = (name: string): URL => new URL(`../golden/${name}.json`, import.meta.url);
const names = JSON.parse(readFileSync(golden('torchvision'), 'utf8')) as Readonly<Record<string, Names>>;
const { cases } = readGolden(golden('resnet'));
const place = { device: 'cpu', dtype: 'float64' } as const;

function thin(name: string): { graph: Graph; net: GoldenNet; names: Names } {
  const [config, net, own] = [networks[name], cases[name], names[name]];
  if (config === undefined || net === undefined || own === undefined) throw new Error(`no "${name}"`);
  return { graph: graphFor(config, net), net, names: own };
}

/** A state dict as torchvision has it, in its order. */
function stateDict(graph: Graph, own: Names): TensorEntry[] {
  const specs = new Map([...graph.params, ...graph.buffers].map((spec) => [spec.path, spec]));
  return Object.entries(own).map(([name, path]): TensorEntry => {
    if (path === null) return { name, dtype: 'I64', shape: [], data: BigInt64Array.of(1n) };
    const spec = specs.get(path);
    if (spec === undefined) throw new Error(`${name} is no tensor of ours: ${path}`);
    const data = 'kind' in spec ? formulaOf(spec) : statisticOf(spec);
    return { name, dtype: 'F64', shape: spec.shape, data };
  });
}

async function written(entries: readonly TensorEntry[]): Promise<string> {
  const file = join(await temporaryFolder(), 'theirs.safetensors');
  await writeSafetensors(file, entries, {});
  return file;
}

describe.each(Object.keys(names))('a state dict of torchvision’s %s, thin', (name) => {
  it('gives torchvision’s logits in evaluation, also after it was saved as a checkpoint', async () => {
    const { graph, net, names: own } = thin(name);
    const [n, c, h, w] = net.image;
    const x = uniform('pixels', n * c * h * w).map((r) => (Math.floor(256 * r) / 255 - 0.5) / 0.25);
    const wanted = net.passes.find(({ mode }) => mode === 'evaluation')?.logits ?? [];
    const file = await written(stateDict(graph, own));
    await using model = await importWeights(graph, file, place);
    expect(distance((await model.vjp(x, null)).output.data, wanted)).toBeLessThan(1e-9);
    await model.save(file);
    await using loaded = await Model.load(file, place);
    expect(distance((await loaded.vjp(x, null)).output.data, wanted)).toBeLessThan(1e-9);
  });
});

/** Code and text of the LmError that a call fails with. */
async function refusal(work: Promise<unknown>): Promise<{ code: string; text: string }> {
  const error: unknown = await work.then(() => undefined).catch((reason: unknown) => reason);
  if (!isLmError(error)) throw error ?? new Error('nothing was refused');
  return { code: error.code, text: `${error.message} ${error.hint ?? ''}` };
}

describe('importTorchvision', () => {
  const { graph, names: own } = thin('resnet18');
  const entries = stateDict(graph, own);
  const refused = async (changed: readonly TensorEntry[]): Promise<string> => {
    const { code, text } = await refusal(importWeights(graph, await written(changed), place));
    expect(code).toBe('ERR_CHECKPOINT');
    return text;
  };

  it('refuses a model that torchvision has not, with the names that it has', async () => {
    // @ts-expect-error: the type refuses it too
    const { code, text } = await refusal(importTorchvision('lm_resnet20', 'none'));
    expect(code).toBe('ERR_UNKNOWN_NAME');
    expect(text).toContain('resnext50_32x4d');
  });

  it.each(['module.', '_orig_mod.', 'module._orig_mod.', '_orig_mod.module.', 'model.backbone.'])(
    'leaves out what all names begin with: %s',
    async (prefix) => {
      const prefixed = entries.map((entry) => ({ ...entry, name: `${prefix}${entry.name}` }));
      const averaged = { name: 'n_averaged', dtype: 'I64', shape: [], data: BigInt64Array.of(1n) } as const;
      const file = await written([averaged, ...prefixed]);
      await using model = await importWeights(graph, file, place);
      await using bare = await importWeights(graph, await written(entries), place);
      for (const { path } of [...graph.params, ...graph.buffers])
        expect(await model.readTensor(path)).toEqual(await bare.readTensor(path));
    },
  );

  it('keeps a prefix that only some names have, and names them as unknown', async () => {
    const some = entries.map((entry) =>
      entry.name.startsWith('fc') ? entry : { ...entry, name: `module.${entry.name}` },
    );
    expect(await refused(some)).toContain('with the unknown module.conv1.weight');
  });

  it('gives weights with a tag of timm’s the test that timm gives them, unless told', async () => {
    const net = preset('resnet18', { classes: 2 });
    const zeros = [...net.params, ...net.buffers].map(({ path, shape }): TensorEntry => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      return { name: torchvisionName(path), dtype: 'F32', shape, data };
    });
    const file = await written(zeros);
    const on = { device: 'cpu', classes: 2 } as const;
    await using model = await importTorchvision('resnet18.ra4_e3600_r224_in1k' as 'resnet18', file, on);
    const { input } = model.graph;
    expect(input).toMatchObject({ height: 288, width: 288, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    expect(model.input.transform).toMatchObject([
      { kind: 'resize', size: 288, interpolation: 'bicubic' },
      { kind: 'centerCrop', size: 288 },
    ]);
    await using small = await importTorchvision('resnet18.a3_in1k', file, { ...on, input: [3, 160, 160] });
    expect(small.input.transform).toMatchObject([
      { kind: 'resize', size: Math.round((235 * 160) / 224), interpolation: 'bicubic' },
      { kind: 'centerCrop', size: 160 },
    ]);
    await using given = await importTorchvision('timm/resnet18.a1_in1k', file, {
      ...on,
      transform: [{ kind: 'resize', size: [288, 288] }],
    });
    expect(given.input.transform).toMatchObject([{ kind: 'resize', size: [288, 288] }]);
  });

  it('names the first tensors that are missing', async () => {
    const text = await refused(entries.filter(({ name }) => !name.startsWith('layer4')));
    expect(text).toMatch(/without layer4\.0\.conv1\.weight, .* and \d+ more/);
  });

  it('names a tensor that it does not know', async () => {
    const extra = {
      name: 'layer1.0.se.fc1.weight',
      dtype: 'F64',
      shape: [1],
      data: new Float64Array(1),
    } as const;
    expect(await refused([...entries, extra])).toContain('with the unknown layer1.0.se.fc1.weight');
  });

  it('names a tensor of integers where a float belongs', async () => {
    const integer = { dtype: 'I64', shape: [4], data: new BigInt64Array(4) } as const;
    const changed = entries.map((entry) => (entry.name === 'bn1.weight' ? { ...entry, ...integer } : entry));
    expect(await refused(changed)).toContain('bn1.weight I64 [4] for [4]');
  });

  it('says how many classes a file has whose last layer alone does not fit', async () => {
    const shapes = { 'fc.weight': [7, 32], 'fc.bias': [7] } as Readonly<Record<string, readonly number[]>>;
    const text = await refused(
      entries.map((entry) => {
        const shape = shapes[entry.name];
        if (shape === undefined) return entry;
        return { ...entry, shape, data: new Float64Array(shape.reduce((a, b) => a * b)) };
      }),
    );
    expect(text).toContain('fc.weight F64 [7, 32] for [5, 32]');
    expect(text).toContain('{ classes: 7 }');
  });

  it('names the first tensors in other shapes than those of the model that was named', async () => {
    const { code, text } = await refusal(importTorchvision('resnet18', await written(entries), place));
    expect(code).toBe('ERR_CHECKPOINT');
    expect(text).toContain('conv1.weight F64 [4, 3, 7, 7] for [64, 3, 7, 7]');
  });

  it('refuses a file that is not there, or of another format', async () => {
    const missing = join(await temporaryFolder(), 'none.safetensors');
    expect((await refusal(importTorchvision('resnet18', missing))).code).toBe('ERR_FILE');
    const here = fileURLToPath(import.meta.url);
    expect((await refusal(importTorchvision('resnet18', here))).code).toBe('ERR_CHECKPOINT');
  });
});
