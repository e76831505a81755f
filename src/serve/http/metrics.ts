/** What Prometheus is told. */
import type { FastifyInstance } from 'fastify';
import { nameOf, type Service } from './service.ts';

/** Seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Adds `GET /metrics`: the process, the event loop, requests, the queue, batches and latencies. */
export async function addMetrics(app: FastifyInstance, service: Service): Promise<void> {
  const { default: prometheus } = await import('prom-client');
  const { Registry, Counter, Gauge, Histogram } = prometheus;
  const register = new Registry();
  register.setDefaultLabels({ model: nameOf(service) });
  prometheus.collectDefaultMetrics({ register });
  const registers = [register];
  const requests = new Histogram({
    name: 'lm_resnet_http_request_seconds',
    help: 'Seconds from a request to its answer',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers,
  });
  const images = new Counter({
    name: 'lm_resnet_images_total',
    help: 'Images by how their request ended',
    labelNames: ['outcome'],
    registers,
  });
  const seconds = (name: string, help: string) =>
    new Histogram({ name: `lm_resnet_${name}_seconds`, help, buckets, registers });
  const latency = seconds('latency', 'Seconds from a call of the classifier to its answer');
  const decode = seconds('decode', 'Seconds in which an image file was decoded');
  const compute = seconds('compute', 'Seconds in which a batch was computed');
  const sizes = new Histogram({
    name: 'lm_resnet_batch_images',
    help: 'Images that were computed together',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  new Gauge({
    name: 'lm_resnet_queue_images',
    help: 'Images that wait or are computed',
    labelNames: ['state'],
    registers,
    collect() {
      const { waiting, computing } = service.classifier.stats().queue;
      this.set({ state: 'waiting' }, waiting);
      this.set({ state: 'computing' }, computing);
    },
  });
  const stop = service.classifier.observe({
    batch: (count, ms) => {
      sizes.observe(count);
      compute.observe(ms / 1000);
    },
    decoded: (ms) => decode.observe(ms / 1000),
    ended: (count, outcome, ms) => {
      images.inc({ outcome }, count);
      if (outcome === 'done') latency.observe(ms / 1000);
    },
    refused: (count) => images.inc({ outcome: 'refused' }, count),
  });
  app.addHook('onClose', async () => stop());
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'; // never the path itself: there are too many
    const { method } = request;
    requests.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    return reply.type(register.contentType).send(await register.metrics());
  });
}
