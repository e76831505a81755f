import { describe, expect, it } from 'vitest';
import { noiseBytes } from '../../support/noise.ts';
import { openedTiny, sendRaw, served } from '../support.ts';

const png = Buffer.from('89504e470d0a1a0a', 'hex');
const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><image href="file:///etc/passwd"/></svg>';
const json = { 'content-type': 'application/json' };
const bad: readonly {
  readonly title: string;
  readonly path?: string;
  readonly method?: string;
  readonly body?: NonNullable<RequestInit['body']>;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly code: string;
}[] = [
  { title: 'no body', status: 400, code: 'ERR_IMAGE' },
  { title: 'a torn image', body: png, status: 400, code: 'ERR_IMAGE' },
  {
    title: 'text',
    body: 'cat.jpg',
    headers: { 'content-type': 'image/jpeg' },
    status: 400,
    code: 'ERR_IMAGE',
  },
  { title: 'text/plain', body: 'cat.jpg', status: 415, code: 'ERR_MEDIA_TYPE' },
  { title: 'an SVG, which may name files', body: new Blob([svg]), status: 400, code: 'ERR_IMAGE' },
  { title: 'an SVG behind a space', body: new Blob([` ${svg}`]), status: 400, code: 'ERR_IMAGE' },
  { title: 'pixels of the right number', body: Buffer.from(noiseBytes(64)), status: 400, code: 'ERR_IMAGE' },
  {
    title: 'a path in JSON',
    body: '{"image":"/etc/passwd.png"}',
    headers: json,
    status: 400,
    code: 'ERR_REQUEST',
  },
  {
    title: 'a URL in JSON',
    body: '{"image":"http://localhost/cat.jpg"}',
    headers: json,
    status: 400,
    code: 'ERR_REQUEST',
  },
  {
    title: 'a data URL in JSON',
    body: '{"image":"data:image/png;base64,AAAA"}',
    headers: json,
    status: 400,
    code: 'ERR_REQUEST',
  },
  { title: 'JSON that is cut', body: '{"image":"AA', headers: json, status: 400, code: 'ERR_REQUEST' },
  { title: 'JSON that is a list', body: '[]', headers: json, status: 400, code: 'ERR_CONFIG' },
  { title: 'JSON without images', body: '{}', headers: json, status: 400, code: 'ERR_REQUEST' },
  { title: 'JSON with no images', body: '{"images":[]}', headers: json, status: 400, code: 'ERR_REQUEST' },
  {
    title: 'JSON with both',
    body: '{"image":"AA==","images":["AA=="]}',
    headers: json,
    status: 400,
    code: 'ERR_REQUEST',
  },
  { title: 'an unknown key', body: '{"img":"AA=="}', headers: json, status: 400, code: 'ERR_CONFIG' },
  {
    title: 'a prototype',
    body: '{"__proto__":{"image":"AA=="}}',
    headers: json,
    status: 400,
    code: 'ERR_CONFIG',
  },
  { title: 'a topK of 0', path: '/classify?topK=0', body: png, status: 400, code: 'ERR_CONFIG' },
  {
    title: 'a topK of too many',
    path: '/classify?topK=4294967296',
    body: png,
    status: 400,
    code: 'ERR_CONFIG',
  },
  {
    title: 'a body that is compressed',
    body: png,
    headers: { 'content-type': 'image/png', 'content-encoding': 'gzip' },
    status: 415,
    code: 'ERR_MEDIA_TYPE',
  },
  { title: 'a topK of words', path: '/classify?topK=five', body: png, status: 400, code: 'ERR_CONFIG' },
  { title: 'an unknown query', path: '/classify?url=http://x', body: png, status: 400, code: 'ERR_CONFIG' },
  {
    title: 'a form without end',
    body: '--x\r\n',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    status: 400,
    code: 'ERR_REQUEST',
  },
  {
    title: 'a form without a boundary',
    body: 'x',
    headers: { 'content-type': 'multipart/form-data' },
    status: 400,
    code: 'ERR_REQUEST',
  },
  { title: 'a path that is none', path: '/clasify', body: png, status: 404, code: 'ERR_ROUTE' },
  { title: 'another method', method: 'GET', status: 405, code: 'ERR_METHOD' },
  { title: 'too many bytes', body: Buffer.alloc(5000), status: 413, code: 'ERR_TOO_LARGE' },
];

describe('a bad request', () => {
  it.each(bad)(
    'with $title is $status $code',
    async ({ path = '/classify', method = 'POST', body, headers, status, code }) => {
      const { url } = await served({ maxBody: 4096 });
      const response = await fetch(`${url}${path}`, {
        method,
        ...(body ? { body } : {}),
        ...(headers ? { headers } : {}),
      });
      const answer = (await response.json()) as { readonly code: string; readonly error: string };
      expect([response.status, answer.code]).toEqual([status, code]);
      expect(JSON.stringify(answer)).not.toMatch(/node_modules|\.ts:|\.js:|at \w+ \(|tmp\//);
      expect(answer.error).toMatch(/\w/);
    },
  );

  it.each([
    { title: 'files', count: 3, size: 10 },
    { title: 'bytes in a file', count: 1, size: 300 },
  ])('has a form of too many $title', async ({ count, size }) => {
    const { url } = await served({ maxImages: 2 }, await openedTiny({ maxBytes: 200 }));
    const form = new FormData();
    for (let i = 0; i < count; i++) form.append('image', new Blob([Buffer.alloc(size)]), 'x.png');
    const response = await fetch(`${url}/classify`, { method: 'POST', body: form });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      413,
      'ERR_TOO_LARGE',
    ]);
  });

  it('that says to be larger than it is, or smaller, gets an answer, and the next one too', async () => {
    const { port, url } = await served({ requestTimeoutMs: 300 });
    const head = 'POST /classify HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n';
    expect(await sendRaw(port, [`${head}Content-Length: 100\r\n\r\n`, png])).toMatch(
      /^HTTP\/1.1 408 [\s\S]*ERR_TIMEOUT/,
    );
    expect(await sendRaw(port, [`${head}Content-Length: 9e9\r\n\r\n`])).toMatch(
      /^HTTP\/1.1 400 [\s\S]*ERR_REQUEST/,
    );
    expect(await sendRaw(port, [`${head}Content-Length: 99999999999\r\n\r\n`])).toMatch(
      /^HTTP\/1.1 413 [\s\S]*ERR_TOO_LARGE/,
    );
    expect(await sendRaw(port, ['not http\r\n\r\n'])).toMatch(/^HTTP\/1.1 400 [\s\S]*ERR_REQUEST/);
    expect(await sendRaw(port, ['GET /model HTTP/1.1\r\nHost: x\r\n'])).toMatch(
      /^HTTP\/1.1 408 [\s\S]*ERR_TIMEOUT/,
    );
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
});
