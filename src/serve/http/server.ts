/** A server of its own for a classifier. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseOptions } from '../../check.ts';
import { isLmError, LmError } from '../../errors.ts';
import { errnoOf } from '../../files.ts';
import type { Classifier } from '../classifier.ts';
import { type Arrival, closingOf } from './closing.ts';
import { answerOf } from './errors.ts';
import { type ServiceOptions, type ServiceSettings, serviceShape } from './options.ts';
import { fastifyClassifier } from './plugin.ts';

/** Options of `serveClassifier`. */
export interface ServeOptions extends ServiceOptions {
  /** Default 127.0.0.1: this machine alone. */
  readonly host?: string | undefined;
  /** Default 8000; 0: any that is free. */
  readonly port?: number | undefined;
  /** Milliseconds in which the headers of a request must be there, default 10,000. */
  readonly headersTimeoutMs?: number | undefined;
  /** Milliseconds in which all of a request must be there, default 30,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Told of failures that are not the request's; default: standard error. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

interface ServeSettings extends ServiceSettings, Arrival {
  readonly host: string;
  readonly port: number;
}

/** The options of a server, in the schemas that have them. */
export const serveShape: {
  readonly [K in keyof Required<ServeSettings>]: z.ZodType<ServeSettings[K], ServeSettings[K] | undefined>;
} = {
  host: z.string().min(1).default('127.0.0.1').describe('address to listen at; 0.0.0.0: all of this machine'),
  port: z.int().min(0).max(65_535).default(8000).describe('port to listen at; 0: any that is free'),
  ...serviceShape,
  headersTimeoutMs: z
    .int()
    .min(1)
    .max(3_600_000)
    .default(10_000)
    .describe('milliseconds in which the headers of a request must be there'),
  requestTimeoutMs: z
    .int()
    .min(1)
    .max(3_600_000)
    .default(30_000)
    .describe('milliseconds in which all of a request must be there'),
};

const schema: z.ZodType<ServeSettings, Omit<ServeOptions, 'onError'>> = z.object(serveShape);

/** A server that listens. */
export interface ClassifierServer {
  /** Such as "http://127.0.0.1:8000". */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /**
   * Listens no more, and resolves when every request that came in has its answer. Connections without one
   * end, and so do those whose request does not come in time.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves a classifier over HTTP (docs/serving.md). Who opened the classifier closes it, after the server.
 *
 * @throws ERR_CONFIG for a wrong option; ERR_PORT when it cannot listen there.
 * @example
 * await using classifier = await Classifier.open('model.safetensors');
 * await using server = await serveClassifier(classifier, { port: 0 });
 * console.log(server.url);
 */
export async function serveClassifier(
  classifier: Classifier,
  { onError = (error) => console.error(error), ...given }: ServeOptions = {},
): Promise<ClassifierServer> {
  const { host, port, headersTimeoutMs, requestTimeoutMs, ...settings } = parseOptions(
    schema,
    given,
    'serve',
  );
  const app = await makeApp({ headersTimeoutMs, requestTimeoutMs });
  app.addHook('onError', async (_request, _reply, error) => {
    if (answerOf(error).isOurs) onError(error);
  });
  await app.register(fastifyClassifier, { classifier, ...settings });
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    if (isLmError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LmError('ERR_PORT', `Expected to listen at \`${host}:${port}\` but received: ${reason}`, {
      hint: listenHint(errnoOf(cause)),
      cause,
    });
  }
  return serving(app, host);
}

/** What to change so that it can listen. */
function listenHint(code: string | undefined): string {
  if (code === 'EADDRINUSE') return 'Choose another port, or 0 for any that is free.';
  if (code === 'EACCES')
    return 'This user may not listen there: choose a port from 1024 on, or 0 for any that is free.';
  return 'Give an address of this machine as the host: 127.0.0.1 for itself alone, 0.0.0.0 for all.';
}

async function makeApp({ headersTimeoutMs, requestTimeoutMs }: Arrival): Promise<FastifyInstance> {
  const { fastify } = await import('fastify');
  const connectionsCheckingInterval = Math.min(1000, headersTimeoutMs, requestTimeoutMs);
  const headersTimeout = Math.min(headersTimeoutMs, requestTimeoutMs);
  const app = fastify({
    requestTimeout: requestTimeoutMs,
    // Node compares the two when it makes the server, before Fastify gives it the first.
    http: { headersTimeout, requestTimeout: requestTimeoutMs, connectionsCheckingInterval },
    // Those that are in have their answers, and are told that this connection ends.
    return503OnClosing: false,
    clientErrorHandler: answerBroken,
  });
  const closing = closingOf(app.server, { headersTimeoutMs, requestTimeoutMs });
  app.addHook('preClose', () => closing.begin());
  app.addHook('onClose', async () => closing.end());
  // Of those that came before, too: a connection that stays would hold it up.
  app.addHook('onSend', async (_request, reply) => {
    if (closing.begun) void reply.header('connection', 'close');
  });
  return app as unknown as FastifyInstance;
}

/** Answers what is no HTTP, or did not come in time. */
function answerBroken(
  error: Error & { readonly code?: string },
  socket: { readonly writable: boolean; end(text: string): unknown; destroy(): unknown },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const known =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new LmError('ERR_TIMEOUT', 'The request did not arrive in time')
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? new LmError('ERR_TOO_LARGE', 'The headers of the request are too large')
        : new LmError('ERR_REQUEST', 'The request is no HTTP');
  const body = JSON.stringify(answerOf(known).body);
  const head = `HTTP/1.1 ${known.status} ${known.code}\r\nContent-Type: application/json\r\nConnection: close`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function serving(app: FastifyInstance, host: string): ClassifierServer {
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = async (): Promise<void> => {
    await app.close();
  };
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { url, host, port, close, [Symbol.asyncDispose]: close };
}
