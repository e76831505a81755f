import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { indexFolder } from '../../../src/data/folder/imageFolder.ts';
import { hasTestFolder } from '../../../src/data/folder/parts.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** A new folder with empty files; names that end in a slash are folders. */
async function folderOf(names: readonly string[]): Promise<string> {
  const root = await temporaryFolder();
  for (const name of names) {
    await mkdir(join(root, name.endsWith('/') ? name : dirname(name)), { recursive: true });
    if (!name.endsWith('/')) await writeFile(join(root, name), '');
  }
  return root;
}

describe('a folder of images', () => {
  it('gives classes and files in the order of torchvision', async () => {
    // ImageFolder(root).classes and .imgs of torchvision 0.29.1 for these files.
    const root = await folderOf([
      'dog/10.jpg',
      'dog/9.JPEG',
      'Dog/x.png',
      'cat/b.jpg',
      'cat/a/z.jpg',
      'cat/a/c/1.jpg',
      'cat/a-b/2.jpg',
      'cat/Z.PNG',
      'bär/1.jpg',
      '10/1.jpg',
      '9/1.jpg',
    ]);
    const { root: own, classNames, names, labels } = await indexFolder(root, { split: 'train' });
    expect(own).toBe(root);
    expect(classNames).toEqual(['10', '9', 'Dog', 'bär', 'cat', 'dog']);
    expect(names.map((name, i) => `${labels[i]} ${name}`)).toEqual([
      '0 10/1.jpg',
      '1 9/1.jpg',
      '2 Dog/x.png',
      '3 bär/1.jpg',
      '4 cat/Z.PNG',
      '4 cat/b.jpg',
      '4 cat/a/z.jpg',
      '4 cat/a-b/2.jpg',
      '4 cat/a/c/1.jpg',
      '5 dog/10.jpg',
      '5 dog/9.JPEG',
    ]);
  });

  it('passes over other files, and folders that are called as images', async () => {
    const root = await folderOf([
      'cat/1.jpg',
      'cat/notes.txt',
      'cat/2.jpg.bak',
      'cat/jpg',
      'LICENSE',
      'cat/x.jpg/y.png',
    ]);
    expect((await indexFolder(root, { split: 'train' })).names).toEqual(['cat/1.jpg', 'cat/x.jpg/y.png']);
  });

  it('follows links to folders and files', async () => {
    const elsewhere = await folderOf(['1.jpg', 'deep/2.jpg']);
    const root = await folderOf(['cat/0.jpg']);
    await symlink(elsewhere, join(root, 'dog'));
    await symlink(join(elsewhere, '1.jpg'), join(root, 'cat', '1.jpg'));
    await symlink(join(elsewhere, 'deep'), join(root, 'cat', 'more'));
    await symlink(join(elsewhere, 'none'), join(root, 'nothing'));
    const { names, classNames } = await indexFolder(root, { split: 'train' });
    expect(classNames).toEqual(['cat', 'dog']);
    expect(names).toEqual(['cat/0.jpg', 'cat/1.jpg', 'cat/more/2.jpg', 'dog/1.jpg', 'dog/deep/2.jpg']);
  });

  const all = ['train/a/1.jpg', 'val/a/2.jpg', 'valid/a/3.jpg', 'validation/a/4.jpg', 'test/a/5.jpg'];
  it.each([
    { split: 'train' as const, files: ['train/a/1.jpg', 'val/a/2.jpg'], wanted: 'train' },
    { split: 'train' as const, files: ['Train/a/1.jpg', 'Test/a/2.jpg'], wanted: 'Train' },
    { split: 'train' as const, files: ['Training/a/1.jpg', 'Testing/a/2.jpg'], wanted: 'Training' },
    { split: 'train' as const, files: ['train/a/1.jpg', 'Train/a/1.jpg', 'val/a/2.jpg'], wanted: 'train' },
    { split: 'train' as const, files: ['train/a/1.jpg', 'val/a/2.jpg', '.cache/x'], wanted: 'train' },
    { split: 'test' as const, files: all, wanted: 'val' },
    { split: 'test' as const, files: all.filter((name) => !name.startsWith('val/')), wanted: 'valid' },
    { split: 'test' as const, files: all.filter((name) => !/^val(id)?\//.test(name)), wanted: 'validation' },
    { split: 'test' as const, files: ['train/a/1.jpg', 'test/a/3.jpg'], wanted: 'test' },
    { split: 'test' as const, files: ['training/a/1.jpg', 'testing/a/3.jpg'], wanted: 'testing' },
    { split: 'test' as const, files: ['val/a/3.jpg'], wanted: 'val' },
    // A part to test on whose images are in no folders of classes is none.
    { split: 'test' as const, files: ['train/a/1.jpg', 'val/1.jpg', 'test/a/3.jpg'], wanted: 'test' },
    { split: 'train' as const, files: ['a/1.jpg', 'b/2.jpg'], wanted: '' },
    { split: 'train' as const, files: ['cat/1.jpg', 'dog/2.jpg', 'train/3.jpg'], wanted: '' },
    { split: 'train' as const, files: ['cat/1.jpg', 'test/a/2.jpg', 'train/a/3.jpg'], wanted: '' },
  ])('of the part $split is "$wanted" in $files', async ({ split, files, wanted }) => {
    const root = await folderOf(files);
    const found = await indexFolder(root, { split });
    expect(found.root).toBe(wanted === '' ? root : join(root, wanted));
    expect(found.classNames).toEqual(wanted === '' ? files.map((name) => name.split('/')[0]) : ['a']);
    expect(await hasTestFolder(root)).toBe(wanted !== '');
  });

  it.each([
    { files: ['train/a/1.jpg', 'test/1.jpg'], title: 'the part to test on has no classes' },
    { files: ['train/a/1.jpg'], title: 'there is one to train on alone' },
    { files: ['cat/1.jpg', 'train/1.jpg', 'test/1.jpg'], title: 'parts are classes' },
    { files: [], title: 'it is empty' },
  ])('has no part to test on where $title', async ({ files }) => {
    const root = await folderOf(files);
    expect(await hasTestFolder(root)).toBe(false);
    await expect(indexFolder(root, { split: 'test' })).rejects.toMatchObject({ code: 'ERR_DATASET' });
  });

  it('passes over what programs leave for themselves, as classes, below them and beside them', async () => {
    const root = await folderOf([
      ...[
        'cat/1.jpg',
        'cat/._1.jpg',
        'cat/.ipynb_checkpoints/1-checkpoint.jpg',
        'cat/@eaDir/1.jpg/thumb.jpg',
      ],
      ...['dog/1.jpg', '.ipynb_checkpoints/x.jpg', '@eaDir/y.jpg', '__MACOSX/cat/._1.jpg', '.DS_Store'],
      ...['$RECYCLE.BIN/1.jpg', 'lost+found/', '#recycle/z.jpg', '._cat/1.jpg'],
    ]);
    const { classNames, names } = await indexFolder(root, { split: 'train' });
    expect({ classNames, names }).toEqual({ classNames: ['cat', 'dog'], names: ['cat/1.jpg', 'dog/1.jpg'] });
  });

  it('may lie in a hidden folder itself', async () => {
    const root = await folderOf(['.cache/photos/cat/1.jpg']);
    expect((await indexFolder(join(root, '.cache/photos'), { split: 'train' })).names).toEqual(['cat/1.jpg']);
  });

  it('gives images of every format, for the content decides', async () => {
    const root = await folderOf(['cat/1.webp', 'cat/2.TIF', 'cat/3.jpg', 'cat/4.gif', 'cat/5.txt']);
    const { names } = await indexFolder(root, { split: 'train' });
    expect(names).toEqual(['cat/1.webp', 'cat/2.TIF', 'cat/3.jpg', 'cat/4.gif']);
  });
});

describe('a folder is refused by name', () => {
  it.each([
    { title: 'without classes', files: ['1.jpg'], at: '' },
    { title: 'that is empty', files: [], at: '' },
    { title: 'with an empty class', files: ['cat/1.jpg', 'dog/'], at: 'dog' },
    { title: 'with a class without images', files: ['cat/1.jpg', 'dog/x.txt', 'dog/deep/'], at: 'dog' },
    { title: 'with an empty part', files: ['train/', 'val/a/1.jpg'], at: 'train' },
  ])('$title', async ({ files, at }) => {
    const root = await folderOf(files);
    const message = expect.stringContaining(`\`${join(root, at)}\``);
    await expect(indexFolder(root, { split: 'train' })).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message,
    });
  });

  it.each([
    { title: 'there are no parts', files: ['a/1.jpg'], split: 'test' as const },
    { title: 'there is no part to test on', files: ['train/a/1.jpg'], split: 'test' as const },
    { title: 'there is no part to train on', files: ['val/a/1.jpg'], split: 'train' as const },
  ])('when $title', async ({ files, split }) => {
    const root = await folderOf(files);
    const message = expect.stringContaining(root);
    await expect(indexFolder(root, { split })).rejects.toMatchObject({ code: 'ERR_DATASET', message });
  });

  it('when a link leads to a folder above it, which has no end', async () => {
    for (const target of ['.', '..']) {
      const root = await folderOf(['cat/1.jpg']);
      await symlink(target, join(root, 'cat', 'loop'));
      const message = expect.stringContaining(`\`${join(root, 'cat', 'loop')}\``);
      await expect(indexFolder(root, { split: 'train' })).rejects.toMatchObject({
        code: 'ERR_DATASET',
        message,
      });
    }
  });

  it('with a class without images even where classes may be empty, when all of them are', async () => {
    const root = await folderOf(['cat/', 'dog/1.txt']);
    const message = expect.stringContaining(`\`${root}\``);
    await expect(indexFolder(root, { split: 'train', emptyClasses: true })).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message,
    });
  });

  it('when a folder beside its parts was not meant as a class, which the hint says', async () => {
    const root = await folderOf(['train/a/1.jpg', 'val/a/1.jpg', 'labels/1.txt']);
    for (const split of ['train', 'test'] as const)
      await expect(indexFolder(root, { split })).rejects.toMatchObject({
        code: 'ERR_DATASET',
        hint: expect.stringContaining('train, val are classes and no part, for "labels" is none'),
      });
  });

  it('when a name is no UTF-8, for no file would be found by it', async () => {
    const root = await folderOf(['cat/1.jpg', 'cat/\ufffd.jpg']);
    expect((await indexFolder(root, { split: 'train' })).names).toHaveLength(2);
    await writeFile(
      Buffer.concat([Buffer.from(join(root, 'cat/')), Buffer.from([0xe9]), Buffer.from('.jpg')]),
      '',
    );
    const message = expect.stringContaining('names in UTF-8');
    await expect(indexFolder(root, { split: 'train' })).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message,
    });
  });

  it('when it is missing, is a file, or must not be read', async () => {
    const root = await folderOf(['file', 'gone/']);
    await symlink('itself', join(root, 'itself'));
    await rm(join(root, 'gone'), { recursive: true });
    for (const name of ['gone', 'file', 'itself', 'a\0b'])
      await expect(indexFolder(join(root, name), { split: 'train' })).rejects.toMatchObject({
        code: 'ERR_FILE',
      });
  });
});

describe('it is said of a folder', () => {
  /** The notes without the folder's own path. */
  async function notesOf(files: readonly string[], split: 'train' | 'test' = 'train'): Promise<string[]> {
    const root = await folderOf(files);
    const { notes } = await indexFolder(root, { split, emptyClasses: true });
    return notes.map((note) => note.replaceAll(root, 'ROOT'));
  }

  it.each([
    { title: 'nothing where all of it is used', files: ['train/a/1.jpg', 'val/a/2.jpg'], notes: [] },
    {
      title: 'which parts are used',
      files: ['train/a/1.jpg', 'valid/a/2.jpg', 'test/a/3.jpg', 'README', '.cache/x'],
      notes: ['ROOT: used are train and valid; not used: test, README, .cache'],
    },
    {
      title: 'that a test folder without classes is not used',
      files: ['train/a/1.jpg', 'test/1.jpg'],
      notes: ['ROOT: used are train; not used: test'],
    },
    {
      title: 'that a part is taken for a class',
      files: ['cat/1.jpg', 'train/2.jpg'],
      notes: ['ROOT: Here train is a class and no part, for "cat" is none'],
    },
    {
      title: 'what is passed over, and why',
      files: ['cat/1.jpg', 'cat/1.txt', 'cat/._1.jpg', 'LICENSE', '2.jpg', '@eaDir/3.jpg'],
      notes: [
        'ROOT: passed over as no images: LICENSE, cat/1.txt',
        'ROOT: passed over, for they lie in no folder of a class: 2.jpg',
        'ROOT: passed over as hidden: @eaDir, cat/._1.jpg',
      ],
    },
    {
      title: 'how many are passed over where there are many',
      files: ['cat/1.jpg', ...Array.from({ length: 120 }, (_, i) => `cat/${100 + i}.txt`)],
      notes: [
        'ROOT: passed over as no images: cat/100.txt, cat/101.txt, cat/102.txt, cat/103.txt, cat/104.txt and 115 more',
      ],
    },
    {
      title: 'which classes are empty',
      files: ['cat/1.jpg', 'dog/'],
      notes: ['ROOT: folders of classes without images: dog'],
    },
  ])('$title', async ({ files, notes }) => {
    expect(await notesOf(files)).toEqual(notes);
  });

  it('that FIFOs and broken links to folders are no images', async () => {
    const root = await folderOf(['cat/1.jpg']);
    execFileSync('mkfifo', [join(root, 'cat', '2.jpg')]);
    await symlink(join(root, 'none'), join(root, 'dog'));
    const { notes, names } = await indexFolder(root, { split: 'train' });
    expect({ notes, names }).toEqual({
      notes: [`${root}: passed over as no images: dog, cat/2.jpg`],
      names: ['cat/1.jpg'],
    });
  });
});
