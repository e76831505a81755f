import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../src/check.ts';
import { type DatasetSpecInput, datasetKinds, datasetSchema, parseDataset } from '../../src/data/spec.ts';
import { thrown } from '../support/errors.ts';

describe('a data set in short', () => {
  it.each<[string, object]>([
    ['mnist:DIR', { kind: 'mnist', path: 'DIR', split: 'train' }],
    ['fashion-mnist:/a/b c', { kind: 'fashion-mnist', path: '/a/b c', split: 'train' }],
    ['imageFolder:.', { kind: 'imageFolder', path: '.', split: 'train' }],
    ['records:C:\\data', { kind: 'records', path: 'C:\\data', split: 'train' }],
    [
      'webDataset:s-{0..9}.tar',
      { kind: 'webDataset', path: 's-{0..9}.tar', split: 'train', window: 16, splitShards: false },
    ],
    [' {"kind":"cifar10","path":"x","split":"test"}', { kind: 'cifar10', path: 'x', split: 'test' }],
    [
      '{"kind":"imageFolder","path":"x","holdOut":{"fraction":0.1}}',
      { kind: 'imageFolder', path: 'x', split: 'train', holdOut: { fraction: 0.1, seed: 0 } },
    ],
    [
      '{"kind":"webDataset","path":["a","b"],"window":2,"classNames":["x"],"holdOut":{"file":"f"}}',
      {
        kind: 'webDataset',
        path: ['a', 'b'],
        split: 'train',
        window: 2,
        splitShards: false,
        classNames: ['x'],
        holdOut: { file: 'f' },
      },
    ],
  ])('or as JSON has its defaults: %s', (text, wanted) => {
    expect(parseDataset(text)).toEqual(wanted);
  });

  it.each<[string, object]>([
    ['imageFolder:~/photos', { path: join(homedir(), 'photos') }],
    ['mnist:~', { path: homedir() }],
    ['mnist:./~', { path: './~' }],
    ['mnist:~data', { path: '~data' }],
    ['{"kind":"webDataset","path":["~/a","b"]}', { path: [join(homedir(), 'a'), 'b'] }],
    [
      '{"kind":"records","path":"~/a","holdOut":{"file":"~/list"}}',
      { path: join(homedir(), 'a'), holdOut: { file: join(homedir(), 'list') } },
    ],
  ])('may lie in the home folder: %s', (text, wanted) => {
    expect(parseDataset(text)).toMatchObject(wanted);
  });

  it('may be of every kind', () => {
    for (const kind of datasetKinds) expect(parseDataset(`${kind}:DIR`)).toMatchObject({ kind, path: 'DIR' });
  });

  it.each<[string, string]>([
    ['mnits:DIR', '"mnist"'],
    ['imagefolder:DIR', '"imageFolder"'],
    ['ImageFolder:DIR', '"imageFolder"'],
    ['record:DIR', '"records"'],
    ['webdataset:DIR', '"webDataset"'],
    ['mnist', 'imageFolder:DIR'],
    ['mnist:', 'imageFolder:DIR'],
    [':DIR', 'imageFolder:DIR'],
    ['/data/imagenet', 'imageFolder:DIR'],
    ['', 'imageFolder:DIR'],
    ['{"kind":"mnist"', 'JSON'],
    ['{"kind":"mnist"}', 'data.path'],
    ['{"path":"x"}', 'data.kind'],
    ['{"kind":"mnist","path":""}', 'data.path'],
    ['{"kind":"mnist","path":"x","splt":"test"}', '"split"'],
    ['{"kind":"mnist","path":"x","split":"tests"}', '"test"'],
    ['{"kind":"mnist","path":"x","window":3}', 'window'],
    ['{"kind":"webDataset","path":"x","window":0}', 'data.window'],
    ['{"kind":"webDataset","path":[]}', 'data.path'],
    ['{"kind":"records","path":"x","holdOut":{"fraction":1}}', 'data.holdOut'],
    ['{"kind":"records","path":"x","holdOut":{}}', 'data.holdOut'],
    ['{"kind":"records","path":"x","holdOut":{"fraction":0.1,"file":"f"}}', 'data.holdOut'],
    ['{"kind":"records","path":"x","transform":[{"kind":"resise","size":3}]}', '"resize"'],
  ])('is refused with what to write instead: %s', (text, near) => {
    const { code, text: said } = thrown(() => parseDataset(text));
    expect(code).toBe('ERR_CONFIG');
    expect(said).toContain(near);
  });

  it('names the flag it came from', () => {
    expect(thrown(() => parseDataset('mnist', '--test')).text).toContain('`--test`');
  });
});

describe('the schema of a data set', () => {
  it('keeps what it has made', () => {
    const spec = parseDataset(
      '{"kind":"imageFolder","path":"x","holdOut":{"fraction":0.5,"seed":3},"transform":[{"kind":"horizontalFlip"}]}',
    );
    expect(parseOptions(datasetSchema, spec, 'data')).toEqual(spec);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['text', 'mnist:DIR'],
    ['a list', []],
    ['a path that is no text', { kind: 'mnist', path: 3 }],
    ['a seed below zero', { kind: 'mnist', path: 'x', holdOut: { fraction: 0.1, seed: -1 } }],
    ['a fraction that is no number', { kind: 'mnist', path: 'x', holdOut: { fraction: Number.NaN } }],
    ['a transform that is none', { kind: 'mnist', path: 'x', transform: 'flip' }],
  ])('refuses %s', (_, value) => {
    expect(thrown(() => parseOptions(datasetSchema, value as DatasetSpecInput, 'data')).code).toBe(
      'ERR_CONFIG',
    );
  });
});
