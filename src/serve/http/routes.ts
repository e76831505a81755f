/** The routes of the service itself; those of the Open Inference Protocol are in inference.ts. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { predictions } from '../../model/predictions.ts';
import { imagesOf } from './body.ts';
import {
  classifiedSchema,
  classifyJson,
  errorSchema,
  jsonSchemaOf,
  modelSchema,
  statusSchema,
} from './schema.ts';
import { checkReady, modelFacts, nameOf, type Service } from './service.ts';

/** A signal that aborts when the client goes away before its answer. */
export function signalOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort('the client went away');
  });
  return controller.signal;
}

const failures = { '4xx': jsonSchemaOf(errorSchema, 'output'), '5xx': jsonSchemaOf(errorSchema, 'output') };

/** What a route is, for its OpenAPI document. */
function described(
  operationId: string,
  summary: string,
  answer: Record<string, unknown>,
  more: object = {},
): object {
  return { operationId, summary, tags: ['classifier'], ...more, response: { 200: answer, ...failures } };
}

const file = { type: 'string', format: 'binary' };
const classifyBody = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: { image: { type: 'array', items: file }, topK: { type: 'integer' } },
      },
    },
    'application/octet-stream': { schema: file },
    'image/*': { schema: file },
    'application/json': { schema: jsonSchemaOf(classifyJson, 'input') },
  },
};

/** Adds `POST /classify`, `GET /model`, `GET /healthz` and `GET /readyz`. */
export function addRoutes(app: FastifyInstance, service: Service): void {
  const classify = async (request: FastifyRequest, reply: FastifyReply): Promise<object> => {
    const signal = signalOf(reply);
    const { images, topK } = await imagesOf(service, request);
    const { rows, classNames } = await service.classifier.logitsOf('file', images, signal);
    return { model: nameOf(service), predictions: rows.flatMap((row) => predictions(row, classNames, topK)) };
  };
  app.post(
    '/classify',
    {
      config: { gated: true },
      schema: described(
        'classify',
        'Classify one or several images',
        jsonSchemaOf(classifiedSchema, 'output'),
        {
          querystring: {
            type: 'object',
            properties: {
              topK: { type: 'integer', minimum: 1, default: 5, description: 'guesses per image' },
            },
          },
          body: classifyBody,
        },
      ),
    },
    classify,
  );
  const model = described(
    'model',
    'The model and the limits of requests',
    jsonSchemaOf(modelSchema, 'output'),
  );
  app.get('/model', { schema: model }, async () => modelFacts(service));
  const status = jsonSchemaOf(statusSchema, 'output');
  const open = { config: { open: true } };
  app.get(
    '/healthz',
    { ...open, schema: described('health', 'Whether the process lives', status) },
    async () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    { ...open, schema: described('ready', 'Whether it takes requests', status) },
    async () => {
      checkReady(service);
      return { status: 'ready' };
    },
  );
}
