/** What a route is, for its OpenAPI document. */
import type { z } from 'zod';
import { errorSchema, jsonSchemaOf } from './schema.ts';

const failures = {
  '4xx': { description: 'What is wrong with the request', ...jsonSchemaOf(errorSchema, 'output') },
  '5xx': { description: 'The service is busy, closing, or failed', ...jsonSchemaOf(errorSchema, 'output') },
};

/** The JSON of a body, and what else it may be. */
export function jsonBody(schema: z.ZodType, others: Readonly<Record<string, object>> = {}): object {
  const json = { schema: jsonSchemaOf(schema, 'input') };
  return { required: true, content: { 'application/json': json, ...others } };
}

/** Its name, what it does, what it answers, and what it takes. */
export function operation(
  operationId: string,
  summary: string,
  answer: z.ZodType,
  { tag = 'classifier', ...takes }: { readonly tag?: string; readonly [key: string]: unknown } = {},
): object {
  const response = { 200: { description: summary, ...jsonSchemaOf(answer, 'output') }, ...failures };
  return { operationId, summary, tags: [tag], ...takes, response };
}
