/**
 * Writes what scripts/reference/exports runs into a folder, by hand: scripts/reference/README.md says how.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exportOnnx } from '../../src/export/exportOnnx.ts';
import { exportTorch } from '../../src/export/exportTorch.ts';
import { exportedNets, filledModel } from '../export/nets.ts';

const folder = process.env.LM_RESNET_REFERENCE ?? '.';

it.each(Object.entries(exportedNets))('%s is written', async (name, graph) => {
  const model = await filledModel(graph());
  const file = join(folder, encodeURIComponent(name));
  const { bytes } = await exportOnnx(model, `${file}.onnx`);
  expect(bytes).toBeGreaterThan(0);
  const { module } = await exportTorch(model, `${file}.safetensors`);
  expect(module).toBe(`${file}.py`);
});
