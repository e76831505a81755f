/** All that the service answers; its schemas are made for who serves alone. */
import type { FastifyInstance } from 'fastify';
import { addInference } from './inference.ts';
import { addMetrics } from './metrics.ts';
import { addOpenApi } from './openapi.ts';
import { addPage } from './page/page.ts';
import { addRoutes } from './routes.ts';
import type { Service } from './service.ts';

/** The document first: it describes the routes that come behind it. */
export async function addAnswers(app: FastifyInstance, service: Service): Promise<void> {
  await addOpenApi(app, service.settings.apiKey !== undefined);
  await addMetrics(app, service);
  addRoutes(app, service);
  addPage(app);
  addInference(app, service);
}
