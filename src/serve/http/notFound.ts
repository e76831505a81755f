/** Requests that no route takes: a path that there is not, or another method than it takes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { expected } from '../../errors.ts';
import { answerOf } from './errors.ts';

/** A path, as a pattern, and the methods that it takes. */
interface Route {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** Answers with 404, or 405 and the header Allow; call it before the routes. */
export function addNotFound(app: FastifyInstance): void {
  const routes = new Map<string, Route>();
  app.addHook('onRoute', ({ url, method }) => {
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    routes.set(url, route);
    for (const one of [method].flat()) route.methods.add(one);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const taking = [...routes.values()].filter(({ pattern }) => pattern.test(path));
    return refused(request, reply, { path, allowed: taking.flatMap(({ methods }) => [...methods]) });
  });
}

/** What a request must be for a path such as "/v2/models/:name". */
function patternOf(url: string): RegExp {
  const parts = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]*' : part.replaceAll(/[^\w-]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}

function refused(
  { method }: FastifyRequest,
  reply: FastifyReply,
  { path, allowed }: { readonly path: string; readonly allowed: readonly string[] },
): unknown {
  const hint = { hint: 'GET /openapi.json lists what there is.' };
  const isKnown = allowed.length > 0;
  const { status, body } = answerOf(
    isKnown
      ? expected('ERR_METHOD', allowed.join(' or '), 'method', method, hint)
      : expected('ERR_ROUTE', 'a path of this service', 'request', `${method} ${path}`, hint),
  );
  if (isKnown) void reply.header('allow', allowed.join(', '));
  return reply.status(status).send(body);
}
