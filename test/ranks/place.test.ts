/** What follows from the place of a rank: its device, and its part of a list. */
import { describe, expect, it } from 'vitest';
import { must } from '../../src/must.ts';
import type { NativeRanks } from '../../src/native/binding.ts';
import { placeOf } from '../../src/ranks/environment.ts';
import { deviceOf, Ranks } from '../../src/ranks/ranks.ts';
import { thrown } from '../support/errors.ts';

/** A rank that nobody waits for. */
function rankOf(rank: number, worldSize: number): Ranks {
  const place = must(placeOf({ rank, worldSize, masterAddr: 'node0' }, {}) ?? undefined);
  return new Ranks(place, {} as NativeRanks);
}

describe('the part of a rank', () => {
  it.each([
    [
      2,
      5,
      [
        [0, 2, 4],
        [1, 3],
      ],
    ],
    [3, 3, [[0], [1], [2]]],
  ])('of %i is every so-many-th of %i', (worldSize, count, parts) => {
    const items = Array.from({ length: count }, (_, i) => i);
    expect(parts.map((_, rank) => rankOf(rank, worldSize).share(items))).toEqual(parts);
  });

  it('needs a shard for every rank, or fewer ranks', () => {
    const error = thrown(() => rankOf(1, 4).share(['a', 'b', 'c']));
    expect(error).toMatchObject({
      code: 'ERR_CONFIG',
      text: expect.stringMatching(/at least 4 shards.*received 3/),
    });
    expect(error.text).toMatch(/at most 3 ranks/);
  });
});

describe('the device of a rank', () => {
  it.each([
    [3, 0, 'cpu'],
    [3, 1, 'cuda'],
    [0, 2, 'cuda:0'],
    [1, 2, 'cuda:1'],
  ])('number %i on a host of %i GPUs is %s', (localRank, devices, device) => {
    expect(deviceOf(localRank, devices)).toBe(device);
  });

  it('is there for every rank', () => {
    expect(thrown(() => deviceOf(2, 2))).toMatchObject({ code: 'ERR_DEVICE' });
  });
});
