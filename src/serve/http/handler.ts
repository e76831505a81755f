/** The service for any server whose requests and responses are those of `fetch`. */
import { Readable } from 'node:stream';
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
  parseOptions(serviceSchema, options, 'classifierHandler');
  const { fastify } = await import('fastify');
  const app = fastify() as unknown as FastifyInstance;
  await app.register(fastifyClassifier, { classifier, ...options });
  return async (request) => {
    try {
      return await answered(app, request);
    } catch (error) {
      const { status, body } = answerOf(error);
      return Response.json(body, { status });
    }
  };
}

async function answered(app: FastifyInstance, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const { body } = request;
  const payload = body === null ? null : Readable.from(partsOf(body));
  const headers = Object.fromEntries(request.headers);
  if (payload !== null && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked';
  const answer = await app.inject({
    method: request.method as 'GET' | 'POST',
    url: pathname + search,
    headers,
    signal: request.signal,
    ...(payload === null ? {} : { payload }),
  });
  // An answer may come before all was read, or anything.
  payload?.destroy();
  if (body?.locked === false) await body.cancel().catch(() => undefined);
  const given = new Headers();
  const { connection: _, ...own } = answer.headers; // of the server that asks, which may speak HTTP/2
  for (const [name, value] of Object.entries(own))
    for (const one of [value].flat()) if (one !== undefined) given.append(name, String(one));
  return new Response(request.method === 'HEAD' ? null : new Uint8Array(answer.rawPayload), {
    status: answer.statusCode,
    headers: given,
  });
}

/** A body, read as the service asks for it; it may fail with anything, or with nothing. */
async function* partsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new LmError('ERR_REQUEST', 'The body of the request ended early', { cause });
  }
}
