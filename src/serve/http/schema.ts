/** What the service takes and answers: its checks and its OpenAPI document are made of these schemas. */
import { z } from 'zod';

/** A class and its probability, in an answer. */
export const guessSchema: z.ZodObject = z
  .object({
    index: z.int().min(0).describe('index of the class'),
    label: z.string(),
    probability: z.number().min(0).max(1).describe('softmax of the logits'),
  })
  .meta({ title: 'Guess', description: 'a class and how probable it is' });

const prediction = guessSchema
  .extend({ top: z.array(guessSchema).describe('the best topK, best first') })
  .meta({ title: 'Prediction', description: 'what an image shows: the best guess, and those behind it' });

/** The answer of `POST /classify`. */
export const classifiedSchema: z.ZodObject = z
  .object({
    model: z.string().describe('name of the model'),
    predictions: z.array(prediction).describe('one for each image, in the order of the request'),
  })
  .meta({ title: 'Classified', description: 'answer to images' });

const topK = z.int().min(1).max(100_000).describe('guesses per image (default: 5)');

/** The query of `POST /classify`. */
export const classifyQuery: z.ZodType<{ readonly topK: number }, { readonly topK?: number | undefined }> =
  z.object({ topK: topK.default(5) });

/** A body of JSON of `POST /classify`. */
export interface ClassifyJson {
  readonly image?: string | undefined;
  readonly images?: readonly string[] | undefined;
  readonly topK?: number | undefined;
}

/** A body of JSON of `POST /classify`. */
export const classifyJson: z.ZodType<ClassifyJson> = z
  .object({
    image: z.string().optional().describe('bytes of an image file, in base64'),
    images: z.array(z.string()).optional().describe('bytes of several image files, in base64'),
    topK: topK.optional(),
  })
  .meta({ title: 'ClassifyJson', description: 'images as JSON' });

/** The answer of `GET /model`. */
export const modelSchema: z.ZodObject = z
  .object({
    name: z.string(),
    network: z.string().describe('name of the network'),
    parameters: z.int().min(0),
    classNames: z.array(z.string()),
    input: z.object({
      channels: z.int(),
      height: z.int(),
      width: z.int(),
      mean: z.array(z.number()),
      std: z.array(z.number()),
    }),
    device: z.string(),
    dtype: z.string(),
    limits: z.object({
      maxBytes: z.int().describe('bytes of an image file'),
      maxPixels: z.int().describe('pixels of an image'),
      maxImages: z.int().describe('images in a request'),
      maxBody: z.int().describe('bytes of a request'),
    }),
    version: z.string().describe('version of lm-resnet'),
  })
  .meta({ title: 'ModelFacts', description: 'the model of the service' });

/** The answer of `GET /healthz` and `GET /readyz`. */
export const statusSchema: z.ZodObject = z
  .object({ status: z.string() })
  .meta({ title: 'Status', description: 'how the service is' });

/** Every answer that is none of success. */
export const errorSchema: z.ZodObject = z
  .object({
    error: z.string().describe('what was expected and what was received'),
    code: z.string().describe('a stable code, such as ERR_IMAGE'),
    hint: z.string().optional().describe('how to fix it'),
  })
  .meta({ title: 'Failure', description: 'what every refused request gets' });

/** The JSON Schema of a body or an answer. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      // That an integer is safe is no news.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return rest;
}
