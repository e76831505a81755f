import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { viewsOf } from '../../src/evaluate/views.ts';
import { Dataset } from '../../src/loading/dataset.ts';
import { imagenetEval, imagenetTrain } from '../../src/transforms/transforms.ts';
import { thrown } from '../support/errors.ts';

interface Case {
  readonly size: readonly [number, number];
  readonly crop: readonly [number, number];
  readonly crops: readonly (readonly number[])[];
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/images/ten_crop.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly Case[] };

describe('ten crops', () => {
  it.each(golden.cases)("are torchvision's: $crop of $size", async ({ size, crop, crops }) => {
    const [height, width] = size;
    const raw = { height, width, channels: 1 };
    const images = Uint8Array.from({ length: height * width }, (_, i) => i);
    const data = new Dataset(
      { name: 'one', classNames: ['a'], labels: new Int32Array(1), size: raw },
      { kind: 'memory', images, labels: new Int32Array(1), ...raw },
    );
    onTestFinished(() => data.close());
    const found: number[][] = [];
    for (const view of viewsOf([{ kind: 'centerCrop', size: crop }], 'ten-crop', raw))
      for await (const { pixels } of batches(data.with(view))) found.push([...pixels]);
    const order = (a: readonly number[], b: readonly number[]): number => (String(a) < String(b) ? -1 : 1);
    expect(found.toSorted(order)).toEqual(crops.toSorted(order));
  });

  it('take the place of the central crop of files, and 7/8 of pixels', () => {
    const [resize] = imagenetEval(224);
    const files = viewsOf(imagenetEval(224), 'ten-crop', null);
    expect(files).toHaveLength(10);
    expect(files[0]).toEqual([resize, { kind: 'cornerCrop', size: 224, corner: 'topLeft' }]);
    const [pixels] = viewsOf([], 'ten-crop', { height: 32, width: 28, channels: 3 });
    expect(pixels).toEqual([{ kind: 'cornerCrop', size: [28, 25], corner: 'topLeft' }]);
  });

  it('are refused where the transform does not end in a crop', () => {
    expect(thrown(() => viewsOf(imagenetTrain(32), 'ten-crop', null)).code).toBe('ERR_CONFIG');
  });
});
