/** The OpenAPI document, made of the schemas of the routes. */
import type { FastifyInstance } from 'fastify';
import { packageVersion } from '../../setup/binaries.ts';

/**
 * Adds `GET /openapi.json`; call it before the routes. In an app that has @fastify/swagger that one gathers
 * them.
 */
export async function addOpenApi(app: FastifyInstance, hasKey: boolean): Promise<void> {
  if (!app.hasDecorator('swagger')) {
    const { default: swagger } = await import('@fastify/swagger');
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'lm-resnet', description: 'Classifies images.', version: packageVersion() },
        ...(hasKey ? { security: [{ bearer: [] }], components: { securitySchemes } } : {}),
      },
    });
  }
  const route = { config: { open: true }, schema: { hide: true } };
  app.get('/openapi.json', route, async () => app.swagger());
}

const securitySchemes = { bearer: { type: 'http', scheme: 'bearer' } } as const;
