import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { must } from '../../../src/must.ts';
import { noiseBytes } from '../../support/noise.ts';
import { served } from '../support.ts';

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<
    string,
    { readonly content: { readonly 'application/json': { schema: object } } }
  >;
}

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}

async function documentOf(url: string): Promise<Document> {
  return (await (await fetch(`${url}/openapi.json`)).json()) as Document;
}

/** Checks a value with a schema of the document. */
const fits = (schema: object, value: unknown): unknown => z.fromJSONSchema(schema as never).parse(value);

/** A picture of two by two pixels, Netpbm. */
const picture = Buffer.from('P5 2 2 255\n\x00\x40\x80\xff', 'latin1');
const json = { 'content-type': 'application/json' };
const infer = {
  inputs: [{ name: 'pixels', datatype: 'UINT8', shape: [1, 8, 8, 1], data: [...noiseBytes(64)] }],
};
const version = '/v2/models/{name}/versions/{version}';

/** Every operation, and a request that it answers. */
const calls: Readonly<Record<string, { readonly method?: 'post'; readonly body?: object | Buffer }>> = {
  '/classify': { method: 'post', body: { image: picture.toString('base64'), topK: 2 } },
  '/healthz': {},
  '/model': {},
  '/readyz': {},
  '/v2': {},
  '/v2/health/live': {},
  '/v2/health/ready': {},
  '/v2/models/{name}': {},
  '/v2/models/{name}/infer': { method: 'post', body: { ...infer, id: 'a' } },
  '/v2/models/{name}/ready': {},
  [version]: {},
  [`${version}/infer`]: {
    method: 'post',
    body: { ...infer, outputs: [{ name: 'logits', parameters: { classification: 2 } }] },
  },
  [`${version}/ready`]: {},
};

describe('GET /openapi.json', () => {
  it('has every route of the service, under a name of its own', async () => {
    const { openapi, paths } = await documentOf((await served({ apiKey: 'secret' })).url);
    expect(openapi).toBe('3.1.0');
    expect(Object.keys(paths).toSorted()).toEqual(Object.keys(calls).toSorted());
    const operations = Object.values(paths).flatMap((path) => Object.values(path));
    expect(operations).toHaveLength(Object.keys(calls).length);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(must(paths['/classify']?.post).requestBody).toMatchObject({
      content: {
        'application/json': { schema: { properties: { image: { type: 'string' } } } },
        'multipart/form-data': { schema: { type: 'object' } },
        'image/*': { schema: { type: 'string', format: 'binary' } },
      },
    });
  });

  it.each(Object.entries(calls))('says what %s takes and answers', async (path, { method = 'get', body }) => {
    const { url } = await served({ name: 'digits' });
    const { requestBody, responses } = must((await documentOf(url)).paths[path]?.[method]);
    if (body !== undefined) fits(must(requestBody?.content['application/json']).schema, body);
    const response = await fetch(url + path.replace('{name}', 'digits').replace('{version}', '1'), {
      method: method.toUpperCase(),
      ...(body === undefined ? {} : { headers: json, body: JSON.stringify(body) }),
    });
    expect(response.status).toBe(200);
    fits(must(responses['200']).content['application/json'].schema, await response.json());
    const failed = await fetch(`${url}/classify`, { method: 'POST', body: 'x' });
    fits(must(responses['4XX']).content['application/json'].schema, await failed.json());
  });
});

describe('a method that a path does not take', () => {
  it.each([
    { method: 'GET', path: '/classify', allow: 'POST' },
    { method: 'PUT', path: '/classify?topK=3', allow: 'POST' },
    { method: 'POST', path: '/model', allow: 'GET, HEAD' },
    { method: 'DELETE', path: '/v2/models/tiny/infer', allow: 'POST' },
    { method: 'POST', path: '/v2/models/any%20name/versions/1', allow: 'GET, HEAD' },
    { method: 'POST', path: '/', allow: 'GET, HEAD' },
    { method: 'POST', path: '/metrics', allow: 'GET, HEAD' },
  ])('is 405, and those that it takes are told: $method $path', async ({ method, path, allow }) => {
    const { url } = await served();
    const response = await fetch(url + path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    expect(await response.json()).toMatchObject({ code: 'ERR_METHOD' });
  });

  it.each(['/v2/models/a/b/infer', '/classify/', '/openapi.jsons', '/openapiXjson'])(
    'is 404 where no method is taken: %s',
    async (path) => {
      const { url } = await served();
      const response = await fetch(url + path);
      expect([response.status, response.headers.get('allow')]).toEqual([404, null]);
      expect(await response.json()).toMatchObject({ code: 'ERR_ROUTE' });
    },
  );
});
