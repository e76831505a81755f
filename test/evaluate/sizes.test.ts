/** Pixels of another size than a model's images: one rule for evaluations, whatever they come from. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createModel } from '../../src/createModel.ts';
import { imageSet } from '../../src/data/imageSet.ts';
import { openDataset } from '../../src/data/open.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import { readImage } from '../../src/images/readImage.ts';
import { writeImage } from '../../src/images/writeImage.ts';
import { datasetOf } from '../../src/loading/images.ts';
import { must } from '../../src/must.ts';
import { train } from '../../src/train/train.ts';
import { parseTransform, type TransformInput } from '../../src/transforms/transforms.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';
import { crossEntropy, mean } from '../support/softmax.ts';
import { tinyModel } from '../support/training.ts';

const size = { height: 12, width: 16, channels: 1 };
const bytes = size.height * size.width;
const count = 4;
const labels = [0, 1, 2, 3];
const pixels = noiseBytes(count * bytes);
const wide = imageSet({ images: pixels, labels, ...size, classNames: ['a', 'b', 'c', 'd'] });

/** The same images as PNG files in a folder of each class. */
async function folder(): Promise<string> {
  const path = await temporaryFolder();
  for (const label of labels) {
    await mkdir(join(path, must(wide.classNames[label])));
    const image = pixels.subarray(label * bytes, (label + 1) * bytes);
    await writeImage(join(path, must(wide.classNames[label]), '1.png'), image, size);
  }
  return path;
}

const look: TransformInput = [
  { kind: 'resize', size: 10, interpolation: 'bicubic' },
  { kind: 'centerCrop', size: 8 },
];

describe('pixels of another size than the images of a model', () => {
  it.each([
    { title: 'the usual transform', transform: undefined },
    { title: 'its own transform', transform: look },
  ])('are brought to it as files are, by $title of its evaluations', async ({ transform }) => {
    const model = await tinyModel({ transform, classNames: [...wide.classNames] });
    const path = await folder();
    const losses = await Promise.all(
      labels.map(async (label) => {
        const file = join(path, must(wide.classNames[label]), '1.png');
        return crossEntropy([...(await model.logits(await readImage(file, model.input)))], label);
      }),
    );
    const files = await openDataset(`imageFolder:${path}`);
    onTestFinished(() => files.close());
    const told = { notes: [expect.stringContaining('8 x 8')] };
    for (const [data, notes] of [
      [wide, told],
      [files, { notes: [] }],
    ] as const) {
      const found = await model.evaluate(data);
      expect(found).toMatchObject({ count, ...notes });
      expect(found.loss).toBeCloseTo(mean(losses), 5);
      expect(await evaluateInDetail(model, data)).toMatchObject({ loss: found.loss, ...notes });
    }
  });

  it('stay as they are by an empty transform, and where they have the size', async () => {
    const model = await tinyModel({ classNames: [...wide.classNames] });
    const wanted = mean(
      await Promise.all(
        labels.map(async (label) => {
          const image = pixels.slice(label * bytes, (label + 1) * bytes);
          return crossEntropy([...(await model.logits(image, { height: 12, width: 16 }))], label);
        }),
      ),
    );
    const found = await model.evaluate(datasetOf(wide).with([]));
    expect(found).toMatchObject({ notes: [] });
    expect(found.loss).toBeCloseTo(wanted, 5);
    const square = imageSet({ images: pixels.subarray(0, 4 * 64), labels, height: 8, width: 8, channels: 1 });
    const kept = await model.evaluate(square);
    expect(kept).toEqual(await model.evaluate(datasetOf(square).with([])));
  });

  it('are tested on as they are trained on, in a training and after it', async () => {
    const model = await tinyModel();
    const { evaluation } = await train(model, { train: wide, test: wide }, { steps: 1, batch: 4, lr: 0.01 });
    expect(model.input.transform.at(-1)).toMatchObject({ kind: 'centerCrop', size: [12, 16] });
    expect(await model.evaluate(wide)).toMatchObject({ loss: evaluation?.loss, notes: [] });
  });

  it('make a model of the size that their transform gives, to which those to test on are brought', async () => {
    const [own] = [parseTransform([{ kind: 'resize', size: [8, 8] }])];
    const data = datasetOf(wide).with(own);
    const model = await createModel('lm_resnet20', { data, device: 'cpu', seed: 1 });
    onTestFinished(() => model.close());
    expect(model.input).toMatchObject({ channels: 1, height: 8, width: 8 });
    const run = train(model, { train: data, test: wide }, { steps: 1, batch: 4, lr: 0.01 });
    const notes: string[] = [];
    for await (const event of run) if (event.type === 'note') notes.push(event.text);
    expect(notes.filter((note) => note.includes('8 x 8'))).toHaveLength(1);
    const { evaluation } = await run;
    expect(model.input.transform.at(-1)).toMatchObject({ kind: 'centerCrop', size: 8 });
    expect(evaluation?.notes).toEqual([expect.stringContaining('8 x 8')]);
    expect((await model.evaluate(wide)).loss).toBe(evaluation?.loss);
  });
});
