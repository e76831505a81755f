import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { classifierHandler } from '../../../src/serve/http/handler.ts';
import { codeOf } from '../../support/failures.ts';
import { noisePngBytes, openedTiny } from '../support.ts';

const at = (path: string, init: RequestInit = {}): Request => new Request(`http://any.example${path}`, init);

describe('a handler of requests', () => {
  it('answers bodies and forms as the server does', async () => {
    const classifier = await openedTiny();
    const handler = await classifierHandler(classifier, { name: 'digits' });
    const body = await noisePngBytes(1);
    const form = new FormData();
    form.append('image', new Blob([body]), 'x.png');
    const { probability } = await classifier.classify(body);
    for (const init of [{ body }, { body: form }]) {
      const response = await handler(at('/classify?topK=2', { method: 'POST', ...init }));
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        expect.stringContaining('json'),
      ]);
      const answer = (await response.json()) as {
        predictions: { probability: number; top: [] }[];
        model: string;
      };
      expect(answer.model).toBe('digits');
      expect(answer.predictions[0]?.probability).toBeCloseTo(probability, 5);
      expect(answer.predictions[0]?.top).toHaveLength(2);
    }
    expect(await (await handler(at('/readyz'))).json()).toEqual({ status: 'ready' });
  });

  it.each([
    {
      title: 'a path that is none',
      request: () => at('/none', { headers: { 'x-api-key': 'secret' } }),
      status: 404,
      code: 'ERR_ROUTE',
    },
    { title: 'no key', request: () => at('/model'), status: 401, code: 'ERR_UNAUTHORIZED' },
    {
      title: 'too many bytes',
      request: () =>
        at('/classify', { method: 'POST', headers: { 'x-api-key': 'secret' }, body: Buffer.alloc(2000) }),
      status: 413,
      code: 'ERR_TOO_LARGE',
    },
    {
      title: 'no image',
      request: () => at('/classify', { method: 'POST', headers: { 'x-api-key': 'secret' } }),
      status: 400,
      code: 'ERR_IMAGE',
    },
  ])('answers $title with $status', async ({ request, status, code }) => {
    const handler = await classifierHandler(await openedTiny(), { apiKey: 'secret', maxBody: 1000 });
    const response = await handler(request());
    expect([response.status, await response.json()]).toMatchObject([status, { code }]);
  });

  it.each([undefined, null, new Error('cut')])('answers a body that fails with %s', async (cause) => {
    const handler = await classifierHandler(await openedTiny());
    const body = new ReadableStream({ pull: (controller) => controller.error(cause) });
    const response = await handler(at('/classify', { method: 'POST', body, duplex: 'half' }));
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'ERR_REQUEST' }]);
  });

  it.each([
    { title: 'no key', headers: {}, status: 401, most: 2 },
    { title: 'a key', headers: { 'x-api-key': 'secret' }, status: 413, most: 30 },
  ])('leaves a body without an end after $most parts at most, with $title', async (row) => {
    const handler = await classifierHandler(await openedTiny(), { apiKey: 'secret', maxBody: 1000 });
    let [pulled, isCancelled] = [0, false];
    const body = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(100));
      },
      cancel() {
        isCancelled = true;
      },
    });
    const { headers, status, most } = row;
    const response = await handler(at('/classify', { method: 'POST', headers, body, duplex: 'half' }));
    expect([response.status, response.headers.get('connection')]).toEqual([status, null]);
    await setImmediate();
    expect(isCancelled).toBe(true);
    expect(pulled).toBeLessThanOrEqual(most);
  });

  it('is not made with a wrong option', async () => {
    const classifier = await openedTiny();
    expect(await codeOf(classifierHandler(classifier, { maxImages: 0 }))).toBe('ERR_CONFIG');
  });
});
