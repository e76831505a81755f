/** The routes of the service itself; those of the Open Inference Protocol are in inference.ts. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { predictions } from '../../model/predictions.ts';
import { imagesOf } from './body.ts';
import { jsonBody, operation } from './operation.ts';
import {
  classifiedSchema,
  classifyJson,
  classifyQuery,
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

const file = { type: 'string', format: 'binary' };
const classifyBody = jsonBody(classifyJson, {
  'multipart/form-data': {
    schema: {
      type: 'object',
      properties: { image: { type: 'array', items: file }, topK: { type: 'integer' } },
    },
  },
  'application/octet-stream': { schema: file },
  'image/*': { schema: file },
});

/** Adds `POST /classify`, `GET /model`, `GET /healthz` and `GET /readyz`. */
export function addRoutes(app: FastifyInstance, service: Service): void {
  const classify = async (request: FastifyRequest, reply: FastifyReply): Promise<object> => {
    const signal = signalOf(reply);
    const { images, topK } = await imagesOf(service, request);
    const { rows, classNames } = await service.classifier.logitsOf('file', images, signal);
    return { model: nameOf(service), predictions: rows.flatMap((row) => predictions(row, classNames, topK)) };
  };
  const taken = operation('classify', 'Classify one or several images', classifiedSchema, {
    querystring: jsonSchemaOf(classifyQuery, 'input'),
    body: classifyBody,
  });
  app.post('/classify', { config: { gated: true }, schema: taken }, classify);
  const model = operation('model', 'The model and the limits of requests', modelSchema);
  app.get('/model', { schema: model }, async () => modelFacts(service));
  const config = { open: true };
  const health = operation('health', 'Whether the process lives', statusSchema);
  app.get('/healthz', { config, schema: health }, async () => ({ status: 'ok' }));
  const ready = operation('ready', 'Whether it takes requests', statusSchema);
  app.get('/readyz', { config, schema: ready }, async () => {
    checkReady(service);
    return { status: 'ready' };
  });
}
