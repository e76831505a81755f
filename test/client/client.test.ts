import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { operations } from '../../src/client/api.ts';
import { type Client, type ClientImage, createClient, ServiceError } from '../../src/client/client.ts';
import { errorCodes } from '../../src/errors.ts';
import { must } from '../../src/must.ts';
import { noisePngBytes, openedTiny, served } from '../serve/support.ts';
import { noiseBytes } from '../support/noise.ts';
import { tinyModel } from '../support/training.ts';

async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  const error = await call.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ServiceError);
  return error as ServiceError;
}

/** A service of another kind, that answers every request so. */
async function answering(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Promise<Client> {
  const server = createServer((_, response) => response.writeHead(status, headers).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return createClient({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` });
}

describe('the client', () => {
  it('is what the OpenAPI document of the service says', () => {
    const script = fileURLToPath(new URL('../../scripts/client.mjs', import.meta.url));
    execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' });
  });

  it('classifies a picture in any form, and lists, as predict does', async () => {
    const { url, classifier } = await served();
    const client = createClient({ url });
    const bytes = await noisePngBytes(5);
    const wanted = await classifier.classify(bytes, { topK: 2 });
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const forms: ClientImage[] = [bytes, new Uint8Array(bytes), buffer, new Blob([bytes])];
    for (const image of forms) expect(await client.classify(image, { topK: 2 })).toEqual(wanted);
    const list = await client.classify(forms, { topK: 2 });
    expect(list).toHaveLength(forms.length);
    for (const { label, top, probability } of [...list, ...(await client.classify([bytes], { topK: 2 }))]) {
      expect([label, top.length]).toEqual([wanted.label, 2]);
      expect(probability).toBeCloseTo(wanted.probability, 5); // a batch may round otherwise
    }
    expect(await client.classify(new File([bytes], '../etc/passwd'), { topK: 2 })).toEqual(wanted);
  });

  it('has every operation, with a key and below a prefix', async () => {
    const { url } = await served({ name: 'digits', apiKey: 'secret' });
    const client = createClient({ url: new URL(url), apiKey: 'secret' });
    expect(Object.keys(client).toSorted()).toEqual(Object.keys(operations).toSorted());
    expect(await client.health()).toEqual({ status: 'ok' });
    expect(await client.ready()).toEqual({ status: 'ready' });
    expect((await client.model()).limits.maxImages).toBe(32);
    expect((await client.inferenceServer()).extensions).toContain('classification');
    expect(await client.inferenceLive()).toEqual({ live: true });
    expect(await client.inferenceReady()).toEqual({ ready: true });
    const named = { name: 'digits', version: '1' };
    expect((await client.inferenceModel({ name: 'digits' })).outputs[1]?.shape).toEqual([-1, 4]);
    expect(await client.inferenceModelReady({ name: 'digits' })).toEqual({ name: 'digits', ready: true });
    expect((await client.inferenceModelVersion(named)).versions).toEqual(['1']);
    expect(await client.inferenceModelVersionReady(named)).toEqual({ name: 'digits', ready: true });
    const pixels = noiseBytes(64, 3);
    const inputs = [{ name: 'pixels', datatype: 'UINT8', shape: [1, 8, 8, 1], data: [...pixels] }];
    const body = { id: 'a', inputs, outputs: [{ name: 'logits' }] };
    const { outputs, id } = await client.infer({ name: 'digits', body });
    expect(id).toBe('a');
    const logits = await (await tinyModel()).logits(pixels);
    for (const [i, value] of (outputs[0]?.data ?? []).entries())
      expect(value).toBeCloseTo(must(logits[i]), 5);
    expect((await client.inferVersion({ ...named, body })).outputs).toEqual(outputs);
  });

  it('is refused with the code, the hint and the status of the service', async () => {
    const { url } = await served({ apiKey: 'secret' });
    const torn = (await noisePngBytes(1)).subarray(0, 40);
    const client = createClient({ url, apiKey: 'secret' });
    expect(await failureOf(client.classify(torn))).toMatchObject({ code: 'ERR_IMAGE', status: 400 });
    const key = await failureOf(createClient({ url, apiKey: 'wrong' }).model());
    expect(key).toMatchObject({
      code: 'ERR_UNAUTHORIZED',
      status: 401,
      hint: expect.stringContaining('KEY'),
    });
    const name = await failureOf(client.inferenceModel({ name: 'a/b c' }));
    expect(name).toMatchObject({ code: 'ERR_UNKNOWN_NAME', status: 404 });
    expect(name.message).toContain('a/b c');
    expect(Object.keys(errorCodes)).toContain(name.code);
  });

  it('says when to ask again where the service is busy', async () => {
    const classifier = await openedTiny({ maxQueue: 1, maxBatch: 2, maxDelayMs: 60_000 });
    const { url } = await served({}, classifier);
    const client = createClient({ url });
    const image = await noisePngBytes(1);
    const first = client.classify(image);
    while (classifier.stats().queue.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const busy = await failureOf(client.classify(image));
    expect(busy).toMatchObject({ code: 'ERR_BUSY', status: 503, retryAfter: 1 });
    await classifier.close();
    expect((await first).top).toHaveLength(4);
    expect(await failureOf(client.ready())).toMatchObject({ code: 'ERR_CLOSED', retryAfter: 1 });
  });

  it('tells of what a proxy before the service answers', async () => {
    const html = await failureOf((await answering(502, '<h1>Bad gateway</h1>')).model());
    expect(html).toMatchObject({ status: 502, code: undefined, hint: undefined, retryAfter: undefined });
    const dated = { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' };
    expect(await failureOf((await answering(503, '{}', dated)).model())).toMatchObject({ status: 503 });
  });

  it('aborts, throws what fetch throws, and refuses a url that is none', async () => {
    const { url } = await served();
    const gone = createClient({ url }).classify(await noisePngBytes(1), { signal: AbortSignal.abort() });
    await expect(gone).rejects.toMatchObject({ name: 'AbortError' });
    const seen: string[] = [];
    const client = createClient({
      url: 'http://nowhere.invalid/digits/',
      fetch: async (asked) => {
        seen.push(String(asked));
        throw new TypeError('no network');
      },
    });
    await expect(client.classify(new Uint8Array(1), { topK: 3 })).rejects.toThrow('no network');
    await expect(client.inferenceModelReady({ name: 'a b/c' })).rejects.toThrow('no network');
    expect(seen).toEqual([
      'http://nowhere.invalid/digits/classify?topK=3',
      'http://nowhere.invalid/digits/v2/models/a%20b%2Fc/ready',
    ]);
    expect(() => createClient({ url: 'nowhere' })).toThrow(TypeError);
  });
});
