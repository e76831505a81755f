/**
 * Exports to ONNX against onnxruntime: its logits of the very files that are written here, from
 * scripts/reference/exports/onnx_golden.py.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from '../../src/export/exportOnnx.ts';
import { onnxOps } from '../../src/export/onnx/ops.ts';
import { ops } from '../../src/graph/ops.ts';
import { temporaryFolder } from '../support/folder.ts';
import { digest, type GoldenExport, logitsError, readGoldenExports } from './golden.ts';
import { exportedNets, filledModel } from './nets.ts';

const golden = readGoldenExports('onnx');

describe('the table of operations', () => {
  it('has every primitive operation, and the networks that are compared have them all', () => {
    expect(Object.keys(onnxOps)).toEqual(Object.keys(ops));
    const used = Object.values(exportedNets).flatMap((graph) => graph().nodes.map(({ op }) => op));
    expect([...new Set(used)].toSorted()).toEqual(Object.keys(ops).toSorted());
  });

  it('is compared with onnxruntime on every network of the list', () => {
    expect(Object.keys(golden).toSorted()).toEqual(Object.keys(exportedNets).toSorted());
  });
});

describe('the ONNX file of', () => {
  it.each(Object.entries(exportedNets))(
    '%s is the one that onnxruntime ran, whose logits are ours to 1e-5',
    async (name, graph) => {
      const model = await filledModel(graph());
      const file = join(await temporaryFolder(), 'model.onnx');
      await exportOnnx(model, file);
      const wanted = golden[name] as GoldenExport;
      expect(digest(await readFile(file))).toBe(wanted.sha256);
      expect(await logitsError(model, wanted)).toBeLessThan(1e-5);
    },
  );
});
