import multipart from '@fastify/multipart';
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
    { title: 'forms of its own', types: ['application/octet-stream', '*'], hasForms: true },
    { title: 'parsers of images', types: ['image/png', '*'], hasForms: false },
  ])('reads bodies itself in an app that has $title', async ({ types, hasForms }) => {
    const app = fastify();
    onTestFinished(async () => {
      await app.close();
    });
    if (hasForms) await app.register(multipart, { limits: { fileSize: 10 } });
    for (const type of types)
      app.addContentTypeParser(type, { parseAs: 'string' }, (_request, _body, done) => done(null, 'mine'));
    app.post('/mine', async (request) => ({ body: request.body }));
    await app.register(fastifyClassifier, {
      prefix: '/digits',
      classifier: await openedTiny(),
      maxImages: 1,
    });
    const payload = await noisePngBytes(1);
    const form = new FormData();
    form.append('image', new Blob([payload]), 'x.png');
    const headers = { 'content-type': types[0] };
    const tooMany = new FormData();
    for (const name of ['x.png', 'y.png']) tooMany.append('image', new Blob([payload]), name);
    const bodies = [{ payload: form }, { payload, headers }, { payload }, { payload: tooMany }];
    const answers = await Promise.all(
      bodies.map((body) => app.inject({ method: 'POST', url: '/digits/classify', ...body })),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 413]);
    const own = await app.inject({ method: 'POST', url: '/mine', payload, headers });
    expect(own.json()).toEqual({ body: 'mine' });
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
