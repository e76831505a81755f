/** How a command looks at image files: as the checkpoint says, or as flags do. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { imagenetEval } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { cli } from '../support/cli.ts';
import { writeFiles } from '../support/files/images.ts';
import { picture } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';
import { tinyModel } from '../support/training.ts';

const place = ['--device', 'cpu', '--threads', '1'];
const crop = JSON.stringify([{ kind: 'centerCrop', size: 8 }]);

async function atHand(): Promise<{ checkpoint: string; image: string; folder: string }> {
  const root = await temporaryFolder();
  const checkpoint = join(root, 'x.safetensors');
  await (await tinyModel({ transform: imagenetEval(8, 12) })).save(checkpoint);
  const raw = { width: 33, height: 20, channels: 3 } as const;
  const file = await sharp(picture(33, 20, 1), { raw })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const image = join(root, 'x.jpg');
  await writeFile(image, file);
  const names = ['0', '1', '2', '3'].map((name) => [`${name}/x.jpg`, file] as const);
  return { checkpoint, image, folder: await writeFiles(join(root, 'images'), Object.fromEntries(names)) };
}

describe('predict and evaluate', () => {
  it.each([
    ['as the checkpoint says', [], {}],
    ['as stored', ['--no-exif'], { exif: false }],
    ['with another transform', ['--transform', crop], { transform: [{ kind: 'centerCrop', size: 8 }] }],
  ] as const)('look at an image file %s', async (_, flags, look) => {
    const { checkpoint, image, folder } = await atHand();
    const model = await tinyModel({ transform: imagenetEval(8, 12), ...look });
    const [wanted] = await model.predict(image, { topK: 4 });
    const said = await cli(['predict', checkpoint, image, '--json', '--top', '4', ...flags, ...place]);
    expect(JSON.parse(said.stdout).probability).toBeCloseTo(wanted?.probability ?? 0, 6);
    const data = ['--data', `imageFolder:${folder}`];
    const { stdout } = await cli(['evaluate', checkpoint, ...data, '--json', ...flags, ...place]);
    const losses = wanted?.top.map(({ probability }) => -Math.log(probability)) ?? [];
    expect(JSON.parse(stdout).loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 4, 5);
  });

  it('refuse a transform that is none', async () => {
    const { checkpoint, image } = await atHand();
    for (const text of ['crop', '[{"kind":"crop"}]'])
      expect((await cli(['predict', checkpoint, image, '--transform', text])).code).toBe(2);
  });
});

describe('info', () => {
  it('says how a checkpoint looks at image files', async () => {
    const { checkpoint } = await atHand();
    expect((await cli(['info', checkpoint])).stdout).toContain('"exif":true,"sixteenBit":"scale"');
    expect(JSON.parse((await cli(['info', checkpoint, '--json'])).stdout)).toMatchObject({
      checkpoint: {
        preprocessing: {
          transform: [
            { kind: 'resize', size: 12 },
            { kind: 'centerCrop', size: 8 },
          ],
        },
      },
    });
  });
});
