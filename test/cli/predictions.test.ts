/** `lm-resnet predict` over folders, in words, JSON lines and CSV. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeImage } from '../../src/images/writeImage.ts';
import { Model } from '../../src/model/model.ts';
import { cli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { place } from '../support/job.ts';
import { noiseBytes } from '../support/noise.ts';
import { tiny } from '../support/training.ts';

const names = ['plain', 'with, comma', 'say "hi"', 'two\nlines'];
let folder = '';
let checkpoint = '';

beforeEach(async () => {
  folder = await temporaryFolder();
  checkpoint = join(folder, 'tiny.safetensors');
  await using model = await Model.create(tiny, { device: 'cpu', seed: 1, classNames: names });
  await model.save(checkpoint);
  const photos = join(folder, 'photos');
  const pixels = { height: 8, width: 8, channels: 1 } as const;
  const write = async (name: string, seed: number): Promise<void> =>
    writeImage(join(photos, name), noiseBytes(64, seed), pixels);
  await mkdir(join(photos, 'b/deep'), { recursive: true });
  await mkdir(join(photos, '.ipynb_checkpoints'));
  for (let i = 0; i < 40; i++) await write(`b/${100 + i}.png`, i); // more than are read at a time
  await write('first, of all.png', 50);
  await write('b/deep/last.png', 51);
  await write('.ipynb_checkpoints/1.png', 52);
  await symlink('nowhere.png', join(photos, 'b/deep/dangling.png'));
  await writeFile(join(photos, 'b/110.png'), 'no image');
  await writeFile(join(photos, 'b/notes.txt'), 'no image');
});

const predict = (args: readonly string[]): ReturnType<typeof cli> =>
  cli(['predict', checkpoint, join(folder, 'photos'), ...args, ...place]);

/** The images of the folder in the order in which they are told of. */
const images = (): string[] =>
  ['first, of all.png', ...Array.from({ length: 40 }, (_, i) => `b/${100 + i}.png`)]
    .concat('b/deep/dangling.png', 'b/deep/last.png')
    .map((name) => join(folder, 'photos', name));
const bad = (image: string): boolean => /110|dangling/.test(image);

/** Cells of CSV after RFC 4180. */
function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

describe('predict', () => {
  it('takes all images in a folder and below it, and tells what it passes over', async () => {
    const { code, stdout, stderr } = await predict(['--format', 'jsonl']);
    expect(code).toBe(3);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ image }) => image)).toEqual(images());
    expect(lines.filter(({ error }) => error).map(({ image }) => image)).toEqual(images().filter(bad));
    await using model = await Model.load(checkpoint, { device: 'cpu' });
    for (const { image, error, label } of lines)
      if (error === undefined) expect((await model.predict(image))[0]?.label).toBe(label);
    expect(stderr).toContain('passed over as no images: b/notes.txt');
    expect(stderr).toContain('passed over as hidden: .ipynb_checkpoints');
    expect(stderr.match(/^bad image /gm)).toHaveLength(2);
    expect(stderr).toContain('2 of 43 images could not be classified');
    expect((await predict(['--json'])).stdout).toBe(stdout);
  });

  it.each([
    { top: 2, guesses: 2 },
    { top: 9, guesses: 4 },
  ])('writes CSV with the best $top of four classes', async ({ top, guesses }) => {
    const csv = await predict(['--format', 'csv', '--top', `${top}`]);
    const json = await predict(['--format', 'jsonl', '--top', `${top}`]);
    const columns = Array.from({ length: guesses }, (_, i) => [`label${i + 1}`, `probability${i + 1}`]);
    const [heading, ...rows] = cellsOf(csv.stdout);
    expect(heading).toEqual(['image', ...columns.flat(), 'error']);
    const lines = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toEqual(
      lines.map(({ image, top: best, error }) => [
        image,
        ...(best ?? Array(guesses).fill({ label: '', probability: '' })).flatMap(
          (guess: { label: string; probability: number }) => [guess.label, `${guess.probability}`],
        ),
        error === undefined ? '' : `${error.code}: ${error.message}`,
      ]),
    );
    expect(csv.code).toBe(3);
  });

  it('tells of images one by one where their sizes differ', async () => {
    const many = join(folder, 'sizes');
    await mkdir(many, { recursive: true });
    for (const side of [8, 12])
      await writeImage(join(many, `${side}.png`), noiseBytes(side * side), {
        ...{ height: side, width: side, channels: 1 },
      });
    const all = ['--transform', '[]', '--format', 'jsonl', ...place];
    expect(await cli(['predict', checkpoint, many, ...all])).toMatchObject({ code: 0 });
  });

  it('is refused: a folder without images, two formats, an unknown one', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty, { recursive: true });
    expect(await cli(['predict', checkpoint, empty, ...place])).toMatchObject({ code: 3, stdout: '' });
    expect((await predict(['--json', '--format', 'csv'])).code).toBe(2);
    expect((await predict(['--format', 'xml'])).code).toBe(2);
  });
});
