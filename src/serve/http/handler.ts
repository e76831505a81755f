/** The service for any server whose requests and responses are those of `fetch`. */
import type { FastifyInstance } from 'fastify';
import { parseOptions } from '../../check.ts';
import { LmError } from '../../errors.ts';
import type { Classifier } from '../classifier.ts';
import { answerOf } from './errors.ts';
import { type ServiceOptions, serviceSchema } from './options.ts';
import { fastifyClassifier } from './plugin.ts';

/** Answers requests; what it holds beside the classifier is memory alone. */
export type ClassifierHandler = (request: Request) => Promise<Response>;

/**
 * The service as a function, for Hono, Next.js, Bun, Deno's `serve` and others: the routes of
 * `fastifyClassifier`, by the paths that requests have.
 *
 * @throws ERR_CONFIG for a wrong option.
 * @example
 * const handler = await classifierHandler(classifier, { apiKey: process.env.KEY });
 * export const POST = (request: Request) => handler(request);
 */
export async function classifierHandler(
  classifier: Classifier,
  options: ServiceOptions = {},
): Promise<ClassifierHandler> {
  const { maxBody } = parseOptions(serviceSchema, options, 'classifierHandler');
  const { fastify } = await import('fastify');
  const app = fastify() as unknown as FastifyInstance;
  await app.register(fastifyClassifier, { classifier, ...options });
  return async (request) => {
    try {
      const payload = await bodyOf(request, maxBody);
      return await answered(app, request, payload);
    } catch (error) {
      const { status, body } = answerOf(error);
      return Response.json(body, { status });
    }
  };
}

async function answered(app: FastifyInstance, request: Request, payload: Buffer): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const { 'content-length': _, 'transfer-encoding': __, ...headers } = Object.fromEntries(request.headers);
  const answer = await app.inject({
    method: request.method as 'GET' | 'POST',
    url: pathname + search,
    headers,
    signal: request.signal,
    ...(payload.length > 0 ? { payload } : {}),
  });
  const given = new Headers();
  for (const [name, value] of Object.entries(answer.headers))
    for (const one of [value].flat()) if (one !== undefined) given.append(name, String(one));
  return new Response(request.method === 'HEAD' ? null : new Uint8Array(answer.rawPayload), {
    status: answer.statusCode,
    headers: given,
  });
}

/** All of a body, as far as it may be long. */
async function bodyOf(request: Request, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let read = 0;
  for await (const part of request.body ?? []) {
    read += part.length;
    if (read > most)
      throw new LmError('ERR_TOO_LARGE', `Expected at most ${most} bytes but received more`, {
        hint: 'Send fewer or smaller images; GET /model says the limits.',
      });
    parts.push(part);
  }
  return Buffer.concat(parts);
}
