/**
 * Writes what scripts/reference/exports runs into a folder, by hand: scripts/reference/README.md says how.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exportOnnx } from '../../src/export/exportOnnx.ts';
import { exportedNets, filledModel } from '../export/nets.ts';

const folder = process.env.LM_RESNET_REFERENCE ?? '.';

it.each(Object.entries(exportedNets))('%s is written', async (name, graph) => {
  const model = await filledModel(graph());
  const { bytes } = await exportOnnx(model, join(folder, `${encodeURIComponent(name)}.onnx`));
  expect(bytes).toBeGreaterThan(0);
});
