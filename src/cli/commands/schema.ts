/** `lm-resnet schema` */
import type { Command } from 'commander';
import { z } from 'zod';
import { datasetSchema } from '../../data/spec.ts';
import { presetNames } from '../../models/presets.ts';
import { trainSchema } from '../../train/options.ts';
import { recipeNames } from '../../train/recipes.ts';
import { augmentationSchema, jobSchema, variantsSchema } from '../job.ts';
import { dataHelp } from '../sets.ts';

const examples = `
Examples:
  $ lm-resnet schema > train.schema.json
  An editor checks and completes a file train.yaml that begins with
  # yaml-language-server: $schema=train.schema.json`;

type Json = Record<string, unknown>;

/** Adds the command `schema`. */
export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration file of `train`')
    .addHelpText('after', examples)
    .action(() => console.log(JSON.stringify(configSchema(), null, 2)));
}

/**
 * JSON Schema of a configuration file: the options of the API under the same names, and what stands beside
 * them. It is made of the schemas that check them.
 */
export function configSchema(): Json {
  const { $schema, properties: job = {} } = z.toJSONSchema(jobSchema, { io: 'input' });
  const { properties: variants = {} } = z.toJSONSchema(variantsSchema, { io: 'input' });
  const { properties: choices = {} } = z.toJSONSchema(augmentationSchema, { io: 'input' });
  const { properties: settings = {} } = z.toJSONSchema(trainSchema, { io: 'input' });
  const { $schema: _, ...dataset } = z.toJSONSchema(datasetSchema, { io: 'input' });
  const named = (name: string, names: readonly string[]): Json => ({ ...about(job, name), enum: names });
  const data = (name: string): Json => ({
    ...about(job, name),
    anyOf: [{ type: 'string', pattern: '^[\\w-]+:.', description: dataHelp }, { $ref: '#/$defs/dataset' }],
  });
  return {
    $schema,
    title: 'lm-resnet train',
    type: 'object',
    additionalProperties: false,
    properties: {
      ...job,
      model: named('model', presetNames),
      recipe: named('recipe', recipeNames),
      data: data('data'),
      test: data('test'),
      ...variants,
      ...choices,
      ...settings,
    },
    $defs: { dataset },
  };
}

function about(properties: Json, name: string): Json {
  return properties[name] as Json;
}
