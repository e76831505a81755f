import { describe, expect, it } from 'vitest';
import { presetNames } from '../../../src/models/presets.ts';
import { ranksShape } from '../../../src/ranks/ranks.ts';
import { trainSchema } from '../../../src/train/options.ts';
import { recipeNames } from '../../../src/train/recipes.ts';
import { cli } from '../../support/cli.ts';

type Json = Record<string, unknown>;

const published = async (): Promise<Json> => {
  const { code, stdout } = await cli(['schema']);
  expect(code).toBe(0);
  return JSON.parse(stdout);
};

/** Every schema inside a schema, with its place. */
function* inside(value: unknown, place = ''): Generator<[string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [place, value as Json];
  for (const [key, inner] of Object.entries(value)) yield* inside(inner, `${place}/${key}`);
}

describe('the published schema', () => {
  it('has the flags of train, by their names', async () => {
    const { properties } = await published();
    const help = (await cli(['train', '--help'])).stdout;
    const flags = [...help.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, flag = '']) =>
      flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
    );
    const own = ['config', 'fastDevRun', 'json', 'quiet', 'resume', 'resumeFallback', 'libtorch', 'help'];
    const ofProcess = Object.keys(ranksShape); // each rank has its own
    expect(Object.keys(properties as Json).toSorted()).toEqual(
      flags.filter((flag) => ![...own, ...ofProcess].includes(flag)).toSorted(),
    );
  });

  it('knows the models and recipes, and the defaults', async () => {
    const { properties, $schema } = await published();
    expect($schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(properties).toMatchObject({
      model: { enum: presetNames },
      recipe: { enum: recipeNames },
      seed: { default: 0 },
      batch: { type: 'integer', minimum: 1, default: trainSchema.parse({}).batch },
    });
  });

  it('describes every option', async () => {
    for (const [name, property] of Object.entries((await published()).properties as Json))
      expect(property, name).toHaveProperty('description');
  });

  it('lets no unknown key pass, at any depth', async () => {
    const objects = [...inside(await published())].filter(([, schema]) => schema.type === 'object');
    expect(objects.length).toBeGreaterThan(30);
    for (const [place, schema] of objects) expect(schema.additionalProperties, place).toBe(false);
  });
});
