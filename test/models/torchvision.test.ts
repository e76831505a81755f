import { describe, expect, it } from 'vitest';
import { preset } from '../../src/models/presets.ts';
import { torchvisionName, torchvisionPath } from '../../src/models/torchvision.ts';
import { thrown } from '../support/errors.ts';

describe.each([
  ['resnet18', 62, 40],
  ['resnet50', 161, 106],
  ['resnext50_32x4d', 161, 106],
] as const)('%s', (name, params, buffers) => {
  const graph = preset(name);
  const paths = [...graph.params, ...graph.buffers].map(({ path }) => path);

  it('has as many tensors as torchvision’s, counters of batches aside', () => {
    expect([graph.params.length, graph.buffers.length]).toEqual([params, buffers]);
  });

  it('has names that map one to one, both ways', () => {
    const names = paths.map(torchvisionName);
    expect(new Set(names).size).toBe(paths.length);
    expect(names.map(torchvisionPath)).toEqual(paths);
  });
});

describe('torchvisionName', () => {
  it.each([
    ['stem.conv.weight', 'conv1.weight'],
    ['stem.bn.running_var', 'bn1.running_var'],
    ['stage1.step0.f0.conv1.weight', 'layer1.0.conv1.weight'],
    ['stage3.step22.f0.bn3.bias', 'layer3.22.bn3.bias'],
    ['stage2.step0.shortcut.conv.weight', 'layer2.0.downsample.0.weight'],
    ['stage2.step0.shortcut.bn.running_mean', 'layer2.0.downsample.1.running_mean'],
    ['head.fc.bias', 'fc.bias'],
  ])('of %s is %s', (path, name) => {
    expect(torchvisionName(path)).toBe(name);
    expect(torchvisionPath(name)).toBe(path);
  });

  it('is refused to what torchvision has not', () => {
    for (const path of [
      'stage1.step1.k',
      'stage1.step0.f1.conv1.weight',
      'head.bn.weight',
      'xstem.conv.weight',
    ])
      expect(thrown(() => torchvisionName(path)).code).toBe('ERR_UNKNOWN_NAME');
    expect(torchvisionPath('bn1.num_batches_tracked')).toBeUndefined();
    expect(torchvisionPath('layer1.0.se.fc1.weight')).toBeUndefined();
  });
});
