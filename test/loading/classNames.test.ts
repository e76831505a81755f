/** Classes that are not those of the model or of the other part. */
import { describe, expect, it } from 'vitest';
import { imageSet } from '../../src/data/imageSet.ts';
import { checkClassNames } from '../../src/loading/classNames.ts';
import { thrown } from '../support/errors.ts';
import { codeOf } from '../support/failures.ts';
import { noise, tinyModel } from '../support/training.ts';

describe('class names', () => {
  it.each([
    { title: 'the same', found: ['cat', 'dog'], wanted: ['cat', 'dog'], code: 'none' },
    { title: 'the first of more', found: ['cat'], wanted: ['cat', 'dog'], code: 'none' },
    { title: 'numbers beside names', found: ['0', '1'], wanted: ['cat', 'dog'], code: 'none' },
    { title: 'names beside numbers', found: ['cat', 'dog'], wanted: ['0', '1', '2'], code: 'none' },
    { title: 'none at all', found: [], wanted: ['cat'], code: 'none' },
    { title: 'another order', found: ['dog', 'cat'], wanted: ['cat', 'dog'], code: 'ERR_DATASET' },
    { title: 'one missing', found: ['cat', 'fox'], wanted: ['cat', 'dog', 'fox'], code: 'ERR_DATASET' },
    { title: 'one too many', found: ['cat', 'dog'], wanted: ['cat'], code: 'ERR_DATASET' },
  ])('that are $title are $code', ({ found, wanted, code }) => {
    const check = (): void =>
      checkClassNames({ name: 'test', classNames: found }, { name: 'train', classNames: wanted });
    expect(thrown(check).code).toBe(code);
  });

  it('of a data set are compared with those of the model that is evaluated on it', async () => {
    const model = await tinyModel({ classNames: ['ant', 'bee', 'cat', 'dog'] });
    const { images, labels } = noise(8);
    const named = (classNames: string[]) =>
      imageSet({ images, labels, height: 8, width: 8, channels: 1, classNames });
    expect((await model.evaluate(named(['ant', 'bee', 'cat', 'dog']))).count).toBe(8);
    expect(await codeOf(model.evaluate(named(['bee', 'ant', 'cat', 'dog'])))).toBe('ERR_DATASET');
  });
});
