import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from '../../../src/export/exportOnnx.ts';
import { cli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { tinyModel } from '../../support/training.ts';

async function checkpointOf(): Promise<{ folder: string; checkpoint: string }> {
  const folder = await temporaryFolder();
  const checkpoint = join(folder, 'model.safetensors');
  await (await tinyModel()).save(checkpoint);
  return { folder, checkpoint };
}

describe('export', () => {
  it('writes the file that the API writes, and says its opset', async () => {
    const { folder, checkpoint } = await checkpointOf();
    const [file, twin] = [join(folder, 'a.onnx'), join(folder, 'b.onnx')];
    const { code, stdout } = await cli(['export', checkpoint, '--onnx', file, '--json']);
    const { size } = await stat(file);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ checkpoint, onnx: { file, opset: 15, bytes: size } });
    await exportOnnx(checkpoint, twin);
    expect((await readFile(file)).equals(await readFile(twin))).toBe(true);
    const said = await cli(['export', checkpoint, '--onnx', file]);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(/^.*a\.onnx: opset 15, 0\.\d MiB\n$/);
  });

  it('writes a state dict and its module too, and says of what it is', async () => {
    const { folder, checkpoint } = await checkpointOf();
    const [onnx, torch, module] = ['a.onnx', 'b.safetensors', 'b.py'].map((name) => join(folder, name));
    const args = ['export', checkpoint, '--onnx', `${onnx}`, '--torch', `${torch}`];
    const { code, stdout } = await cli([...args, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      onnx: { file: onnx },
      torch: { file: torch, module, torchvision: null },
    });
    expect((await readdir(folder)).toSorted()).toEqual([
      'a.onnx',
      'b.py',
      'b.safetensors',
      'model.safetensors',
    ]);
    expect((await cli(args)).stdout).toContain(`b.safetensors: state dict of ${module}\n`);
  });

  it.each([
    { title: 'without a file', args: [], code: 2 },
    { title: 'of both into one file', args: ['--onnx', 'a', '--torch', './a'], code: 2 },
    { title: 'of weights as Python', args: ['--torch', 'a.py'], code: 2 },
    { title: 'onto the checkpoint', args: ['--onnx', 'model.safetensors'], code: 2 },
    { title: 'of unknown weights', args: ['--onnx', 'a.onnx', '--weights', 'raw'], code: 2 },
    { title: 'of an average that there is not', args: ['--onnx', 'a.onnx', '--weights', 'ema'], code: 2 },
    { title: 'into a folder that there is not', args: ['--onnx', 'none/a.onnx'], code: 3 },
  ])('is refused $title, with one line of JSON', async ({ args, code }) => {
    const { folder, checkpoint } = await checkpointOf();
    const placed = args.map((arg, i) =>
      /^--(onnx|torch)$/.test(args[i - 1] ?? '') ? join(folder, arg) : arg,
    );
    const said = await cli(['export', checkpoint, ...placed, '--json']);
    expect(said.code).toBe(code);
    expect(JSON.parse(said.stdout)).toMatchObject({
      error: { code: code === 2 ? 'ERR_CONFIG' : 'ERR_FILE' },
    });
    expect(said.stderr).not.toContain(' at ');
  });
});
