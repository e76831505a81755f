import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonBounds, parseJson } from '../src/json.ts';

const { values, depth, keys } = jsonBounds;

describe('parseJson', () => {
  it('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each<[string, string]>([
    ['so many values', `[${new Array(values - 1).fill(0).join()}]`],
    ['values so deep', '['.repeat(depth) + ']'.repeat(depth)],
    ['many in a text', JSON.stringify({ text: '[{,"'.repeat(values) })],
    ['many behind an escaped quote', JSON.stringify({ text: `\\"${'[,'.repeat(values)}\\` })],
  ])('takes %s', (_, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it.each<[string, string]>([
    ['one value more', `[${new Array(values).fill(0).join()}]`],
    ['objects without end', `[${'{},'.repeat(values)}`],
    ['a value deeper', '['.repeat(depth + 1) + ']'.repeat(depth + 1)],
    ['brackets without end', '['.repeat(10_000_000)],
  ])('refuses %s before it is parsed', (_, text) => {
    expect(() => parseJson(text)).toThrow(RangeError);
  });

  it('bounds the keys that differ, of all objects together, and not how often each stands', () => {
    const object = (of: number, each: number): string =>
      `{${Array.from({ length: each }, (_, i) => `"k${of * each + i}" :0`).join()}}`;
    const texts = (count: number): string =>
      `[${Array.from({ length: count }, (_, of) => object(of, keys / 16)).join()}]`;
    expect(parseJson(texts(16))).toHaveLength(16);
    expect(parseJson(`[${texts(16)},${texts(1)},"k",${'"another",'.repeat(9)}0]`)).toHaveLength(13);
    expect(() => parseJson(texts(17))).toThrow(RangeError);
    expect(() => parseJson(`[${texts(16)},{"one more":1}]`)).toThrow(RangeError);
  });

  it('bounds the members of one object or list, where told, and not of several together', () => {
    const three = '{"a":[1,2,3],"b":{"c":1,"d":2,"e":3},"f":[]}';
    expect(parseJson(three, values, 3)).toEqual(JSON.parse(three));
    for (const text of ['[1,2,3,4]', '{"a":{"b":1,"c":2,"d":3,"e":4}}', '[[],[],[[1,2,3,4]]]'])
      expect(() => parseJson(text, values, 3)).toThrow(RangeError);
  });

  it.each(['', '{', '"', '"\\', '[1,]', '{"a":1', 'NaN', '"\\\\\\"'])(
    'refuses what is no JSON: %s',
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    },
  );
});
