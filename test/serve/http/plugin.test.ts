import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fastifyClassifier } from '../../../src/serve/http/plugin.ts';
import { codeOf } from '../../support/failures.ts';
import { noisePngBytes, openedTiny, served } from '../support.ts';

describe('GET /metrics', () => {
  it('counts images, batches and requests by route', async () => {
    const { url } = await served();
    const body = await noisePngBytes(1);
    await fetch(`${url}/classify`, { method: 'POST', body });
    await fetch(`${url}/classify`, { method: 'POST', body: 'x' });
    await fetch(`${url}/no/such/path`);
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const line of [
      'lm_resnet_images_total{outcome="done",model="tiny"} 1',
      'lm_resnet_batch_images_sum{model="tiny"} 1',
      'lm_resnet_queue_images{state="waiting",model="tiny"} 0',
      'lm_resnet_decode_seconds_count{model="tiny"} 1',
      'lm_resnet_http_request_seconds_count{model="tiny",method="POST",route="/classify",status="200"} 1',
      'lm_resnet_http_request_seconds_count{model="tiny",method="POST",route="/classify",status="415"} 1',
      'lm_resnet_http_request_seconds_count{model="tiny",method="GET",route="none",status="404"} 1',
    ])
      expect(text).toContain(line);
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });
});

describe('fastifyClassifier', () => {
  it('serves below a prefix, beside routes, parsers and documents of the app', async () => {
    const app = fastify();
    onTestFinished(async () => {
      await app.close();
    });
    await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'mine', version: '1' } } });
    app.post('/mine', async (request) => request.body);
    const [digits, letters] = [await openedTiny(), await openedTiny()];
    await app.register(fastifyClassifier, { prefix: '/digits', classifier: digits, name: 'digits' });
    await app.register(fastifyClassifier, { prefix: '/letters', classifier: letters, apiKey: 'secret' });
    const payload = await noisePngBytes(1);
    const answers = await Promise.all([
      app.inject({ method: 'POST', url: '/digits/classify', payload }),
      app.inject({ method: 'POST', url: '/letters/classify', payload }),
      app.inject({ method: 'POST', url: '/mine', payload: { a: 1 } }),
      app.inject({ method: 'GET', url: '/digits/openapi.json' }),
      app.inject({ method: 'GET', url: '/none' }),
    ]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 401, 200, 200, 404]);
    expect(answers[0]?.json()).toMatchObject({ model: 'digits' });
    expect(answers[2]?.json()).toEqual({ a: 1 });
    expect(answers[4]?.json()).toMatchObject({ error: 'Not Found' });
  });

  it.each([
    { title: 'no classifier', options: {} },
    { title: 'an unknown option', options: { maxImage: 1 } },
  ])('refuses $title', async ({ options }) => {
    const app = fastify();
    const classifier = 'maxImage' in options ? await openedTiny() : undefined;
    const registered = async (): Promise<void> => {
      await app.register(fastifyClassifier, { classifier, ...options } as never);
    };
    expect(await codeOf(registered())).toBe('ERR_CONFIG');
  });
});
