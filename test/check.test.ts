import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { oneOf, parseOptions } from '../src/check.ts';
import { isLmError, type LmError } from '../src/errors.ts';

const schema = z.object({
  lr: z.number().positive().default(0.1),
  batch: z.int().min(1).optional(),
  device: z.enum(['cpu', 'cuda']).optional(),
  even: z
    .number()
    .refine((x) => x % 2 === 0, { message: 'an even number' })
    .optional(),
  sizes: z.array(z.int()).min(1).optional(),
  schedule: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('cosine'), minLr: z.number().optional() }),
      z.strictObject({ kind: z.literal('step'), factor: z.number() }),
    ])
    .optional(),
  either: z.union([z.number(), z.strictObject({ rate: z.number() })]).optional(),
});

function failure(value: unknown): LmError {
  try {
    parseOptions(schema, value, 'train');
  } catch (error) {
    if (isLmError(error, 'ERR_CONFIG')) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('parseOptions', () => {
  it('fills in defaults', () => {
    expect(parseOptions(schema, { batch: 4 }, 'train')).toEqual({ lr: 0.1, batch: 4 });
  });

  it.each<[string, unknown, string, string]>([
    ['a wrong type', { lr: '1' }, 'train.lr', '"1"'],
    ['a number that is not finite', { lr: Number.POSITIVE_INFINITY }, 'train.lr', 'Infinity'],
    ['NaN', { lr: Number.NaN }, 'train.lr', 'NaN'],
    ['a number out of range', { lr: 0 }, 'train.lr', '0'],
    ['a fraction', { batch: 1.5 }, 'train.batch', '1.5'],
    ['an element of an array', { sizes: [1, 'x'] }, 'train.sizes[1]', '"x"'],
    ['an empty array', { sizes: [] }, 'train.sizes', '[]'],
    ['a refinement', { even: 3 }, 'train.even', '3'],
    ['a missing value', { schedule: { kind: 'step' } }, 'train.schedule.factor', 'undefined'],
    ['an unknown kind', { schedule: { kind: 'cos' } }, 'train.schedule.kind', '"cos"'],
    ['the inside of a union', { either: { rate: 'x' } }, 'train.either.rate', '"x"'],
    ['no alternative of a union', { either: true }, 'train.either', 'true'],
    ['no object at all', 7, 'train', '7'],
    ['nothing', undefined, 'train', 'undefined'],
  ])('names the option and the value: %s', (_, value, name, received) => {
    const { message } = failure(value);
    expect(message).toMatch(/^Expected .+ for `.+` but received .+$/);
    expect(message).toContain(`for \`${name}\` but received ${received}`);
  });

  it.each<[string, unknown, string, string]>([
    ['at the top', { lrr: 1 }, 'train.lrr', '"lr"'],
    ['inside', { schedule: { kind: 'cosine', minLR: 1 } }, 'train.schedule.minLR', '"minLr"'],
    ['before what is missing', { schedule: { kind: 'step', factr: 1 } }, 'train.schedule.factr', '"factor"'],
    ['in a union', { either: { rat: 1, rate: 2 } }, 'train.either.rat', '"rate"'],
  ])('refuses an unknown key and suggests the nearest: %s', (_, value, name, nearest) => {
    const error = failure(value);
    expect(error.message).toContain(`\`${name}\``);
    expect(error.hint).toContain(nearest);
  });

  it('suggests the nearest of a list of words', () => {
    expect(failure({ device: 'cudaa' }).hint).toContain('"cuda"');
    expect(failure({ schedule: { kind: 'cosin' } }).hint).toContain('"cosine"');
  });
});

describe('oneOf', () => {
  it('returns a known name and refuses others with the nearest', () => {
    expect(oneOf('mnist', ['mnist', 'cifar10'], 'data set')).toBe('mnist');
    const refuse = (): unknown => oneOf('mnits', ['mnist', 'cifar10'], 'data set');
    expect(refuse).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_NAME', hint: expect.stringContaining('mnist') }),
    );
  });
});
