import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { serveClassifier } from '../../../src/serve/http/server.ts';
import { codeOf } from '../../support/failures.ts';
import { noiseBytes } from '../../support/noise.ts';
import { tinyModel } from '../../support/training.ts';
import {
  answerTo,
  classNames,
  connected,
  noisePng,
  noisePngBytes,
  openedTiny,
  savedTiny,
  served,
} from '../support.ts';

interface Answer {
  readonly model: string;
  readonly predictions: readonly { readonly label: string; readonly probability: number; readonly top: [] }[];
}

const asAnswer = async (response: Response): Promise<Answer> => (await response.json()) as Answer;

describe('POST /classify', () => {
  it('takes a body, a form and JSON, and answers what predict says', async () => {
    const { url } = await served();
    const model = await tinyModel({ classNames });
    const paths = [await noisePng(1), await noisePng(2)];
    const files = await Promise.all(paths.map(async (path) => Buffer.from(await readFile(path))));
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = files;
    const form = new FormData();
    for (const file of files) form.append('image', new Blob([file]), 'x.png');
    const json = (body: object): RequestInit => ({
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    const requests: readonly (readonly [count: number, init: RequestInit])[] = [
      [1, { body: first }],
      [1, { body: first, headers: { 'content-type': 'image/png' } }],
      [1, { body: first, headers: { 'content-type': 'application/octet-stream' } }],
      [2, { body: form }],
      [1, json({ image: first.toString('base64') })],
      [1, json({ image: first.toString('base64url') })],
      [2, json({ images: [first.toString('base64'), second.toString('base64')], topK: 2 })],
    ];
    const expected = await model.predict(paths);
    for (const [count, init] of requests) {
      const response = await fetch(`${url}/classify?topK=2`, { method: 'POST', ...init });
      expect(response.status).toBe(200);
      const { model: name, predictions } = await asAnswer(response);
      expect([name, predictions.length]).toEqual(['tiny', count]);
      for (const [i, { label, probability, top }] of predictions.entries()) {
        expect(label).toBe(expected[i]?.label);
        expect(probability).toBeCloseTo(expected[i]?.probability ?? Number.NaN, 5);
        expect(top).toHaveLength(2);
      }
    }
  });

  it('answers many callers at once, each with its own', async () => {
    const { url, classifier } = await served();
    const bodies = await Promise.all(Array.from({ length: 24 }, (_, i) => noisePngBytes(i)));
    const answers = await Promise.all(
      bodies.map(async (body) => asAnswer(await fetch(`${url}/classify`, { method: 'POST', body }))),
    );
    for (const [i, { predictions }] of answers.entries()) {
      const { probability } = await classifier.classify(noiseBytes(64, i));
      expect(predictions[0]?.probability).toBeCloseTo(probability, 5);
    }
  });
});

describe('an overloaded service', () => {
  it('answers 503 with Retry-After at once', async () => {
    // Two images wait for a batch that is not full: there is no room for a third.
    const classifier = await openedTiny({ maxBatch: 4, maxQueue: 2, maxDelayMs: 60_000 });
    const { url } = await served({}, classifier);
    const body = await noisePngBytes(1);
    const ask = (): Promise<Response> => fetch(`${url}/classify`, { method: 'POST', body });
    const waiting = [ask(), ask()];
    while (classifier.stats().queue.waiting < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const response of await Promise.all([ask(), ask(), ask()])) {
      expect(response.status).toBe(503);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ code: 'ERR_BUSY' });
    }
    await classifier.close();
    for (const response of await Promise.all(waiting)) expect(response.status).toBe(200);
  });

  it('takes a request of a client that went away out of the queue', async () => {
    const classifier = await openedTiny({ maxBatch: 4, maxDelayMs: 60_000 });
    const { url } = await served({}, classifier);
    const controller = new AbortController();
    const request = { method: 'POST', body: await noisePngBytes(1), signal: controller.signal };
    const gone = fetch(`${url}/classify`, request).catch((error: Error) => error.name);
    while (classifier.stats().queue.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    controller.abort();
    expect(await gone).toBe('AbortError');
    while (classifier.stats().queue.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(classifier.stats().images).toMatchObject({ done: 0, aborted: 1 });
  });
});

describe('an API key', () => {
  it.each([
    { title: 'none', headers: {}, status: 401 },
    { title: 'a wrong one', headers: { 'x-api-key': 'secret2' }, status: 401 },
    { title: 'an empty one', headers: { 'x-api-key': '' }, status: 401 },
    { title: 'its beginning', headers: { authorization: 'Bearer secre' }, status: 401 },
    { title: 'another scheme', headers: { authorization: 'Basic secret' }, status: 401 },
    { title: 'the right one', headers: { 'x-api-key': 'secret' }, status: 200 },
    { title: 'the right one as a bearer', headers: { authorization: 'bearer secret' }, status: 200 },
    { title: 'the second one', headers: { authorization: 'Bearer other' }, status: 200 },
  ])('is asked for: $title is $status', async ({ headers, status }) => {
    const { url } = await served({ apiKey: ['secret', 'other'] });
    const given = headers as Record<string, string>;
    const request = { method: 'POST', body: await noisePngBytes(1), headers: given };
    const answers = await Promise.all([
      fetch(`${url}/classify`, request),
      fetch(`${url}/model`, { headers: given }),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual([status, status]);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
});

describe('GET', () => {
  it('/model says what the model is, and what a request may have', async () => {
    const { url } = await served({ name: 'digits', maxImages: 3 });
    const facts = (await (await fetch(`${url}/model`)).json()) as object;
    expect(facts).toMatchObject({
      name: 'digits',
      network: 'tiny',
      classNames,
      input: { channels: 1, height: 8, width: 8 },
      limits: { maxImages: 3, maxBytes: 2 ** 26 },
    });
  });

  it('/readyz is 503 once the classifier closes, and /healthz is not', async () => {
    const { url, classifier } = await served();
    await classifier.close();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    const response = await fetch(`${url}/classify`, { method: 'POST', body: await noisePngBytes(1) });
    expect([response.status, await response.json()]).toMatchObject([503, { code: 'ERR_CLOSED' }]);
  });
});

describe('a server', () => {
  it('answers what came in before it closed', async () => {
    const server = await served({}, await openedTiny({ maxBatch: 1 }));
    const body = await noisePngBytes(1);
    const calls = Array.from({ length: 12 }, () => fetch(`${server.url}/classify`, { method: 'POST', body }));
    const answers = Promise.allSettled(calls);
    while (server.classifier.stats().queue.waiting === 0)
      await new Promise((resolve) => setImmediate(resolve));
    await server.close();
    // One whose client was still connecting may have been turned away; of the others none.
    const answered = (await answers).filter((answer) => answer.status === 'fulfilled');
    for (const { value } of answered) expect(value.status).toBe(200);
    const counted = { done: answered.length, failed: 0, aborted: 0, refused: 0 };
    expect(server.classifier.stats().images).toEqual(counted);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it('answers what was sent before it closed, though the process was too busy to read it', async () => {
    const server = await served();
    const body = await noisePngBytes(1);
    const head = Buffer.from(`POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`);
    const sockets = await Promise.all(Array.from({ length: 32 }, () => connected(server.port)));
    const answers = sockets.map(answerTo(Buffer.concat([head, body])));
    const closed = server.close();
    // Longer than it goes on to listen.
    for (const end = performance.now() + 300; performance.now() < end; );
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1.1 200 /);
    await closed;
  });

  it.each([
    { title: 'a port that is taken', options: (port: number) => ({ port }), code: 'ERR_PORT' },
    { title: 'an address that is not here', options: () => ({ host: '192.0.2.1' }), code: 'ERR_PORT' },
    { title: 'a port of 70000', options: () => ({ port: 70_000 }), code: 'ERR_CONFIG' },
    { title: 'an unknown option', options: () => ({ prot: 1 }), code: 'ERR_CONFIG' },
    { title: 'an empty key', options: () => ({ apiKey: '' }), code: 'ERR_CONFIG' },
  ])('does not start at $title', async ({ options, code }) => {
    const { port, classifier } = await served();
    expect(await codeOf(serveClassifier(classifier, options(port) as object))).toBe(code);
  });

  it.each([
    { title: 'a port that is taken', options: (port: number) => ({ port }), hint: /another port/ },
    { title: 'an address that is not here', options: () => ({ host: '192.0.2.1' }), hint: /of this machine/ },
    { title: 'a name that is none', options: () => ({ host: 'no.such.invalid' }), hint: /of this machine/ },
  ])('says what to change of $title', async ({ options, hint }) => {
    const { port, classifier } = await served();
    await expect(serveClassifier(classifier, options(port))).rejects.toMatchObject({
      code: 'ERR_PORT',
      hint: expect.stringMatching(hint),
    });
  });

  it('tells a failure that is not of the request by its code alone, and its operator all of it', async () => {
    const errors: unknown[] = [];
    const path = await savedTiny();
    const classifier = await openedTiny({}, path);
    const { url } = await served({ onError: (error) => errors.push(error) }, classifier);
    const broken = async (): Promise<never> => {
      throw new Error(`secret of ${path}`);
    };
    Object.defineProperty(classifier, 'logitsOf', { value: broken });
    const response = await fetch(`${url}/classify`, { method: 'POST', body: await noisePngBytes(1) });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      code: 'ERR_SERVICE',
      error: 'The service failed; its log says why.',
    });
    expect(String(errors[0])).toContain('secret of');
  });
});
