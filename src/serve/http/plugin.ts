/** The service as a plugin of Fastify, which is loaded by nobody else than who serves. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseOptions } from '../../check.ts';
import { expected, LmError } from '../../errors.ts';
import { Classifier } from '../classifier.ts';
import { answerOf } from './errors.ts';
import { checkKey, Gate } from './gate.ts';
import { addNotFound } from './notFound.ts';
import { type FastifyClassifierOptions, serviceSchema } from './options.ts';
import type { Service } from './service.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no key: what probes and people ask first. */
    open?: boolean;
    /** Its body has images: so many requests at a time. */
    gated?: boolean;
  }
}

/**
 * Plugin of Fastify 5 that answers with a classifier: `POST /classify`, `GET /model`, `/healthz`, `/readyz`,
 * and `/v2` of the Open Inference Protocol, below a `prefix` where one is given. What it adds stays in its
 * own context.
 *
 * @param options.classifier answers; who opened it closes it, after Fastify.
 * @param options.name, apiKey, maxImages, maxBody see `ServiceOptions`.
 * @throws ERR_CONFIG.
 * @example
 * await app.register(fastifyClassifier, { prefix: '/digits', classifier, apiKey: process.env.KEY });
 */
export async function fastifyClassifier(
  app: FastifyInstance,
  { classifier, ...given }: FastifyClassifierOptions,
): Promise<void> {
  if (!(classifier instanceof Classifier))
    throw expected('ERR_CONFIG', 'a Classifier', 'fastifyClassifier.classifier', classifier);
  const { prefix: _, ...options } = given as Record<string, unknown>;
  const settings = parseOptions(serviceSchema, options, 'fastifyClassifier');
  const service: Service = { classifier, settings };
  await addParsers(app, settings);
  app.setValidatorCompiler(() => () => true); // the routes check, with messages that name the fix
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  addHooks(app, service);
  addFailures(app);
  addNotFound(app);
  const { addAnswers } = await import('./answers.ts');
  await addAnswers(app, service);
}

/** Bodies are read here, whatever the app around does with its own; that of forms may be there already. */
async function addParsers(app: FastifyInstance, { maxBody }: Service['settings']): Promise<void> {
  if (app.hasRequestDecorator('parts'))
    app.removeContentTypeParser(['application/json', 'application/octet-stream', 'text/plain', '*']);
  else {
    app.removeAllContentTypeParsers();
    const { default: multipart } = await import('@fastify/multipart');
    await app.register(multipart);
  }
  const parsing = { parseAs: 'buffer', bodyLimit: maxBody } as const;
  app.addContentTypeParser('*', parsing, (_request, body, done) => done(null, body));
}

/** What happens to every request before its body is read, and when it is answered. */
function addHooks(app: FastifyInstance, { classifier, settings }: Service): void {
  const keys = settings.apiKey === undefined ? [] : [settings.apiKey].flat();
  const { maxQueue, maxBatch } = classifier.limits;
  const gate = new Gate(maxQueue + maxBatch * classifier.plan.replicas);
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    const { open, gated } = request.routeOptions.config;
    if (open !== true) checkKey(keys, request);
    if (gated !== true) return;
    checkEncoding(request);
    const bytes = lengthOf(request, settings.maxBody);
    if (bytes > settings.maxBody)
      throw new LmError('ERR_TOO_LARGE', `Expected at most ${settings.maxBody} bytes but received ${bytes}`, {
        hint: 'Send fewer or smaller images; GET /model says the limits.',
      });
    gate.enter(request, bytes);
    reply.raw.once('close', () => gate.leave(request));
  });
}

/**
 * Refuses a body that is compressed as a whole: what it would come to, nobody knows before.
 *
 * @throws ERR_MEDIA_TYPE.
 */
function checkEncoding({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity')
    throw expected('ERR_MEDIA_TYPE', 'a body as it is', 'Content-Encoding', encoding, {
      hint: 'Send it without compression: images are compressed already.',
    });
}

/** Bytes of a body; of one that does not say, as many as an image usually has at most. */
function lengthOf({ headers }: FastifyRequest, most: number): number {
  const isChunked = headers['transfer-encoding'] !== undefined;
  const length = Number(headers['content-length'] ?? (isChunked ? Math.min(most, 2 ** 20) : 0));
  return Number.isSafeInteger(length) ? length : 0;
}

function addFailures(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body, isOurs } = answerOf(error);
    if (isOurs) request.log.error(error);
    // What was not read of a body would have to be waited for.
    if (!request.raw.complete) void reply.header('connection', 'close');
    if (status === 503) void reply.header('retry-after', '1');
    if (status === 401) void reply.header('www-authenticate', 'Bearer');
    return reply.status(status).send(body);
  });
}
