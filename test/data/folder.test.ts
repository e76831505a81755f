import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasTestFolder, indexFolder } from '../../src/data/folder.ts';
import { temporaryFolder } from '../support/folder.ts';

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
    const { root: own, classNames, names, labels } = await indexFolder(root, 'train');
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
    expect((await indexFolder(root, 'train')).names).toEqual(['cat/1.jpg', 'cat/x.jpg/y.png']);
  });

  it('follows links to folders and files', async () => {
    const elsewhere = await folderOf(['1.jpg', 'deep/2.jpg']);
    const root = await folderOf(['cat/0.jpg']);
    await symlink(elsewhere, join(root, 'dog'));
    await symlink(join(elsewhere, '1.jpg'), join(root, 'cat', '1.jpg'));
    await symlink(join(elsewhere, 'deep'), join(root, 'cat', 'more'));
    await symlink(join(elsewhere, 'none'), join(root, 'nothing'));
    const { names, classNames } = await indexFolder(root, 'train');
    expect(classNames).toEqual(['cat', 'dog']);
    expect(names).toEqual(['cat/0.jpg', 'cat/1.jpg', 'cat/more/2.jpg', 'dog/1.jpg', 'dog/deep/2.jpg']);
  });

  it.each([
    { split: 'train' as const, files: ['train/a/1.jpg', 'val/a/2.jpg'], wanted: 'train' },
    { split: 'test' as const, files: ['train/a/1.jpg', 'val/a/2.jpg', 'test/a/3.jpg'], wanted: 'val' },
    { split: 'test' as const, files: ['train/a/1.jpg', 'test/a/3.jpg'], wanted: 'test' },
    { split: 'test' as const, files: ['train/a/1.jpg', 'validation/a/3.jpg'], wanted: 'validation' },
    { split: 'train' as const, files: ['a/1.jpg', 'b/2.jpg'], wanted: '' },
  ])('of the part $split is "$wanted" in $files', async ({ split, files, wanted }) => {
    const root = await folderOf(files);
    expect((await indexFolder(root, split)).root).toBe(wanted === '' ? root : join(root, wanted));
    expect(await hasTestFolder(root)).toBe(wanted !== '');
  });

  it('gives images of every format, for the content decides', async () => {
    const root = await folderOf(['cat/1.webp', 'cat/2.TIF', 'cat/3.jpg', 'cat/4.gif', 'cat/5.txt']);
    const { names } = await indexFolder(root, 'train');
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
    await expect(indexFolder(root, 'train')).rejects.toMatchObject({ code: 'ERR_DATASET', message });
  });

  it.each([
    { title: 'there are no parts', files: ['a/1.jpg'], split: 'test' as const },
    { title: 'there is no part to test on', files: ['train/a/1.jpg'], split: 'test' as const },
    { title: 'there is no part to train on', files: ['val/a/1.jpg'], split: 'train' as const },
  ])('when $title', async ({ files, split }) => {
    const root = await folderOf(files);
    const message = expect.stringContaining(root);
    await expect(indexFolder(root, split)).rejects.toMatchObject({ code: 'ERR_DATASET', message });
  });

  it('when a link leads to a folder above it, which has no end', async () => {
    for (const target of ['.', '..']) {
      const root = await folderOf(['cat/1.jpg']);
      await symlink(target, join(root, 'cat', 'loop'));
      const message = expect.stringContaining(`\`${join(root, 'cat', 'loop')}\``);
      await expect(indexFolder(root, 'train')).rejects.toMatchObject({ code: 'ERR_DATASET', message });
    }
  });

  it('when it is missing, is a file, or must not be read', async () => {
    const root = await folderOf(['file', 'gone/']);
    await symlink('itself', join(root, 'itself'));
    await rm(join(root, 'gone'), { recursive: true });
    for (const name of ['gone', 'file', 'itself', 'a\0b'])
      await expect(indexFolder(join(root, name), 'train')).rejects.toMatchObject({ code: 'ERR_FILE' });
  });
});
