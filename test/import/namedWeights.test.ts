/** Names against timm's own table: scripts/reference/timm_names.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { namedWeights, timmModels } from '../../src/import/namedWeights.ts';
import { thrown } from '../support/errors.ts';

type Row = readonly [side: number, resize: number, interpolation: string, mean: number[], std: number[]];
const { tests, old } = JSON.parse(readFileSync(new URL('../golden/timm.json', import.meta.url), 'utf8')) as {
  readonly tests: Readonly<Record<string, Row>>;
  readonly old: Readonly<Record<string, string>>;
};

describe('namedWeights', () => {
  it.each(Object.entries(tests))(
    'tests %s as timm does',
    (name, [side, resize, interpolation, mean, std]) => {
      const { model, test } = namedWeights(name);
      expect(model).toBe(name.split('.')[0]);
      expect(test).toMatchObject({
        side,
        mean,
        std,
        transform: [
          { kind: 'resize', size: resize, interpolation },
          { kind: 'centerCrop', size: side },
        ],
      });
      expect(namedWeights(`timm/${name}`)).toEqual(namedWeights(name));
      expect(namedWeights(`hf-hub:timm/${name}`)).toEqual(namedWeights(name));
    },
  );

  it.each(Object.entries(old))('takes %s, a name before tags, for %s', (name, now) => {
    expect(namedWeights(name)).toEqual(namedWeights(now));
  });

  it.each(timmModels)('leaves open how %s without a tag is tested', (name) => {
    expect(namedWeights(name)).toEqual({ model: name, test: null });
  });

  it.each([
    ['resnet50.a9_in1k', 'Did you mean "resnet50.a1_in1k"?'],
    ['resnet50.toString', 'Known: '],
    ['wide_resnet50', 'Did you mean "wide_resnet50_2"?'],
    ['resnet50d.a1_in1k', 'Did you mean "resnet50"?'],
    ['tv_resnet2000', 'Did you mean "resnet200"?'],
    ['constructor_resnet50', ''],
    ['lm_resnet20', ''],
    ['', 'Known: resnet18'],
  ])('refuses %s with the nearest name', (name, hint) => {
    const error = thrown(() => namedWeights(name));
    expect(error.code).toBe('ERR_UNKNOWN_NAME');
    expect(error.text).toContain(hint);
  });
});
