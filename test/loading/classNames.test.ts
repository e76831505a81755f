/** Classes that are not those of the model or of the other part. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ImageSet, imageSet } from '../../src/data/imageSet.ts';
import { openDataset } from '../../src/data/open.ts';
import { pack } from '../../src/data/records/pack.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import { adoptedNames, matchClasses } from '../../src/loading/classNames.ts';
import { network } from '../../src/models/network.ts';
import { presetConfig } from '../../src/models/presets.ts';
import { train } from '../../src/train/train.ts';
import { thrown } from '../support/errors.ts';
import { codeOf } from '../support/failures.ts';
import { writePhotos } from '../support/files/photos.ts';
import { tar } from '../support/files/tar.ts';
import { temporaryFolder } from '../support/folder.ts';
import { loaded, noise, tensorsOf, tinyConfig, tinyModel } from '../support/training.ts';

/** 0, 1, 10, 11, 2, …: numbers up to 11 as folders are sorted. */
const sorted = Array.from({ length: 12 }, (_, i) => String(i)).toSorted();
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

describe('classes', () => {
  it.each([
    { title: 'the same', found: ['cat', 'dog'], wanted: ['cat', 'dog'], classes: null },
    { title: 'the first of more', found: ['cat'], wanted: ['cat', 'dog'], classes: null },
    { title: 'none at all', found: [], wanted: ['cat'], classes: null },
    { title: 'in another order', found: ['dog', 'cat'], wanted: ['cat', 'dog'], classes: [1, 0] },
    { title: 'some of them', found: ['dog', 'fox'], wanted: ['cat', 'dog', 'fox'], classes: [1, 2] },
    { title: 'the same twice named', found: ['crane', 'crane'], wanted: ['crane', 'crane'], classes: null },
    {
      title: 'numbers in the order of a text',
      found: sorted,
      wanted: numbers(12),
      classes: sorted.map(Number),
    },
    {
      title: 'numbers, of a text in order',
      found: numbers(12),
      wanted: sorted,
      classes: numbers(12).map((n) => sorted.indexOf(n)),
    },
    {
      title: 'numbers with zeros before them',
      found: ['00', '01', '02'],
      wanted: numbers(3),
      classes: [0, 1, 2],
    },
    {
      title: 'numbers that begin at 1',
      found: ['1', '10', '2'],
      wanted: ['1', '2', '10'],
      classes: [0, 2, 1],
    },
    { title: 'fewer numbers', found: numbers(3), wanted: numbers(5), classes: null },
    { title: 'numbers beside words', found: ['0', '1'], wanted: ['cat', 'dog'], classes: null },
    {
      title: 'sorted numbers beside words',
      found: ['0', '10', '2'],
      wanted: [...'abcdefghijk'],
      classes: [0, 10, 2],
    },
    { title: 'words beside numbers', found: ['cat', 'dog'], wanted: ['0', '1', '2'], classes: [0, 1] },
    {
      title: 'words beside sorted numbers',
      found: ['a', 'b', 'c'],
      wanted: ['0', '2', '1'],
      classes: [0, 2, 1],
    },
    {
      title: 'words, two of which are numbers',
      found: ['9', 'cat', '7'],
      wanted: ['7', '9', 'cat'],
      classes: [1, 2, 0],
    },
  ])('that are $title are matched', ({ found, wanted, classes }) => {
    const labels = Int32Array.from(found.keys());
    const of = { name: 'test', classNames: found };
    const match = matchClasses({ ...of, labels }, { name: 'train', classNames: wanted });
    expect(match.classes).toEqual(classes);
    expect(matchClasses({ ...of, labels: null }, { name: 'train', classNames: wanted }).classes).toEqual(
      classes,
    );
  });

  it.each([
    { title: 'a word that is none', found: ['cat', 'emu'], wanted: ['cat', 'dog'] },
    { title: 'one too many', found: ['cat', 'dog'], wanted: ['cat'] },
    { title: 'a number that is none', found: ['1', '2', '3'], wanted: ['0', '1', '2'] },
    { title: 'a number beyond the words', found: ['0', '5', '1'], wanted: ['cat', 'dog', 'emu'] },
    { title: 'a name that is there twice', found: ['crane', 'dog'], wanted: ['dog', 'crane', 'crane'] },
    { title: 'two of a name', found: ['crane', 'crane', 'dog'], wanted: ['dog', 'crane'] },
  ])('with images of $title are refused', ({ found, wanted }) => {
    const of = { name: 'test', classNames: found };
    const match = (labels: Int32Array | null) => () =>
      matchClasses({ ...of, labels }, { name: 'train', classNames: wanted });
    expect(thrown(match(Int32Array.from(found.keys()))).code).toBe('ERR_DATASET');
    expect(thrown(match(null)).code).toBe('ERR_DATASET');
  });

  it('without images may be anything', () => {
    const found = { name: 'test', classNames: ['dog', 'emu'], labels: Int32Array.of(0, 0) };
    expect(matchClasses(found, { name: 'train', classNames: ['cat', 'dog'] }).classes).toEqual([1, -1]);
  });

  it.each([
    { found: ['cat', 'dog'], wanted: ['cat', 'dog'], labels: [0, 1], notes: [] },
    { found: ['dog'], wanted: ['cat', 'dog'], labels: [0], notes: ['test has no images of the classes cat'] },
    {
      found: numbers(8),
      wanted: numbers(10),
      labels: [...numbers(8).keys()],
      notes: ['test has no images of the classes 8, 9'],
    },
    {
      found: ['0', '1'],
      wanted: ['cat', 'dog'],
      labels: [0, 1],
      notes: ['the classes of test (0, 1) and of train (cat, dog) were matched by number, from 0'],
    },
    { found: [], wanted: ['cat', 'dog'], labels: [0, 1], notes: [] },
  ])('$found and $wanted: $notes', ({ found, wanted, labels, notes }) => {
    const set = { name: 'test', classNames: found, labels: Int32Array.from(labels) };
    expect(matchClasses(set, { name: 'train', classNames: wanted }).notes).toEqual(notes);
  });

  it.each([
    { own: numbers(2), names: ['cat', 'dog'], adopted: ['cat', 'dog'] },
    { own: numbers(3), names: ['cat', 'dog'], adopted: ['cat', 'dog', '2'] },
    { own: ['ant', 'bee'], names: ['cat', 'dog'], adopted: ['ant', 'bee'] },
    { own: numbers(12), names: sorted, adopted: numbers(12) },
    { own: numbers(3), names: ['1', '2', '3'], adopted: ['1', '2', '3'] },
    { own: numbers(2), names: [], adopted: numbers(2) },
  ])('of a model $own become $adopted from $names', ({ own, names, adopted }) => {
    expect(adoptedNames(own, names)).toEqual(adopted);
  });
});

/** An image of noise for every label, of ant, bee, cat and dog, under these names of the classes. */
function named(classNames: readonly string[], labels: readonly number[]): ImageSet {
  const all = noise(labels.length);
  const pick = labels.flatMap((label) => {
    const of = [...all.labels.keys()].filter((i) => all.labels[i] === label);
    return [...all.images.subarray(64 * (of[0] ?? 0), 64 * ((of[0] ?? 0) + 1))];
  });
  const places = labels.map((label) => classNames.indexOf(['ant', 'bee', 'cat', 'dog'][label] ?? ''));
  return imageSet({
    images: Uint8Array.from(pick),
    labels: places,
    height: 8,
    width: 8,
    channels: 1,
    classNames,
  });
}

describe('an evaluation', () => {
  const own = ['ant', 'bee', 'cat', 'dog'];

  it('counts images by the names of their classes, in whatever order these are', async () => {
    const model = await tinyModel({ classNames: own });
    const labels = [0, 1, 2, 3, 3, 1];
    const wanted = await model.evaluate(named(own, labels));
    expect(wanted.notes).toEqual([]);
    expect(await model.evaluate(named(['dog', 'bee', 'ant', 'cat'], labels))).toEqual(wanted);
    const detail = await evaluateInDetail(model, named(['dog', 'bee', 'ant', 'cat'], labels));
    expect(detail).toMatchObject({ ...wanted, classNames: own });
    expect(detail.perClass.map(({ count }) => count)).toEqual([1, 2, 1, 2]);
  });

  it('of images that lack a class keeps the labels of the others, and says so', async () => {
    const model = await tinyModel({ classNames: own });
    const labels = [0, 2, 3];
    const { notes, ...scores } = await model.evaluate(named(['ant', 'cat', 'dog'], labels));
    const { notes: _, ...wanted } = await model.evaluate(named(own, labels));
    expect(scores).toEqual(wanted);
    expect(notes).toEqual(['memory has no images of the classes bee']);
  });

  it('of images of another class is refused', async () => {
    const model = await tinyModel({ classNames: ['ant', 'bee', 'cat', 'emu'] });
    expect(await codeOf(model.evaluate(named(own, [0, 3])))).toBe('ERR_DATASET');
    expect((await model.evaluate(named(own, [0, 1]))).count).toBe(2);
  });

  it('gives the same of folders named 0 to 11, of shards and of records of these', async () => {
    const { input, classes } = presetConfig('lm_resnet20', { input: [3, 8, 8], classes: 12 });
    const model = await tinyModel({}, network({ ...tinyConfig, input, classes }));
    const folder = await temporaryFolder();
    const names = numbers(12).flatMap((label) => [`${label}/a.png`, `${label}/b.png`]);
    const root = await writePhotos(join(folder, 'photos'), Object.fromEntries(names.map((n) => [n, [8, 8]])));
    const members = names.flatMap((name, i) => {
      const bytes = readFileSync(join(root, name));
      return [
        { name: `${i}.png`, bytes },
        { name: `${i}.cls`, bytes: name.split('/')[0] ?? '' },
      ];
    });
    await writeFile(join(folder, 'all.tar'), tar(members));
    await pack({ kind: 'imageFolder', path: root }, join(folder, 'records'));
    const scores: unknown[] = [];
    for (const spec of [
      { kind: 'webDataset', path: join(folder, 'all.tar') },
      { kind: 'imageFolder', path: root },
      { kind: 'records', path: join(folder, 'records') },
    ] as const) {
      await using data = await openDataset(spec);
      scores.push({ ...(await model.evaluate(data)), ...{ loss: 0 } }, (await model.evaluate(data)).loss);
    }
    const [first, loss] = scores;
    expect(first).toMatchObject({ count: 24, notes: [] });
    expect([scores[2], scores[4]]).toEqual([first, first]);
    // The order of the images is another one in these: the sum rounds differently.
    for (const other of [scores[3], scores[5]]) expect(other).toBeCloseTo(Number(loss), 5);
  });
});

describe('a training', () => {
  const words = ['ant', 'bee', 'cat', 'dog'];

  it('of a model without names gives it those of the data, which its checkpoint keeps', async () => {
    const run = join(await temporaryFolder(), 'run');
    const model = await tinyModel();
    expect(model.classNames).toEqual(['0', '1', '2', '3']);
    await train(model, { train: named(words, [0, 1, 2, 3]) }, { batch: 2, steps: 1, run });
    expect(model.classNames).toEqual(words);
    expect((await loaded(join(run, 'checkpoint.safetensors'))).classNames).toEqual(words);
  });

  it('learns the same from classes in another order', async () => {
    const [one, other] = [await tinyModel({ classNames: words }), await tinyModel({ classNames: words })];
    const labels = [0, 1, 2, 3];
    const settings = { batch: 4, steps: 3, lr: 0.1 };
    await train(one, { train: named(words, labels) }, settings);
    await train(other, { train: named(words.toReversed(), labels) }, settings);
    expect(await tensorsOf(other)).toEqual(await tensorsOf(one));
  });

  it('is told of classes without images, to train and to test on', async () => {
    const data = { train: named(['ant', 'bee', 'cat'], [0, 1, 2]), test: named(['ant', 'cat'], [0, 2]) };
    const run = train(await tinyModel(), data, { batch: 2, steps: 1 });
    const notes: string[] = [];
    for await (const event of run) if (event.type === 'note') notes.push(event.text);
    expect(notes).toEqual([
      'memory has no images of the classes 3',
      'memory has no images of the classes bee, 3',
    ]);
    expect((await run).evaluation).toMatchObject({ count: 2, notes: [notes[1]] });
  });

  it('is refused to test on a class that it does not train on', async () => {
    const data = { train: named(['ant', 'bee', 'cat'], [0, 1, 2]), test: named(['dog'], [3]) };
    const model = await tinyModel();
    expect(await codeOf(() => train(model, data, { batch: 2, steps: 1 }))).toBe('ERR_DATASET');
  });
});
