import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { must } from '../../../src/must.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { noiseBytes } from '../../support/noise.ts';
import { tinyModel } from '../../support/training.ts';
import { classNames, noisePngBytes, openedTiny, served } from '../support.ts';

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
  readonly parameters?: { readonly binary_data_size: number };
}

const post = (body: object | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: body instanceof Uint8Array ? body : JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});
const pixels = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => [...noiseBytes(64, i)]).flat();

describe('the Open Inference Protocol', () => {
  it('says that it lives and is ready, and what the model takes', async () => {
    const { url } = await served({ name: 'digits' });
    const get = async (path: string): Promise<readonly [number, unknown]> => {
      const response = await fetch(`${url}${path}`);
      return [response.status, await response.json()];
    };
    expect(await get('/v2/health/live')).toEqual([200, { live: true }]);
    expect(await get('/v2/health/ready')).toEqual([200, { ready: true }]);
    expect(await get('/v2')).toMatchObject([
      200,
      { name: 'lm-resnet', extensions: ['classification', 'binary_tensor_data'] },
    ]);
    for (const path of ['/v2/models/digits', '/v2/models/digits/versions/1']) {
      expect(await get(`${path}/ready`)).toMatchObject([200, { ready: true }]);
      expect(await get(path)).toEqual([
        200,
        {
          name: 'digits',
          versions: ['1'],
          platform: 'lm-resnet',
          inputs: [
            { name: 'image', datatype: 'BYTES', shape: [-1] },
            { name: 'pixels', datatype: 'UINT8', shape: [-1, 8, 8, 1] },
          ],
          outputs: [
            { name: 'probabilities', datatype: 'FP32', shape: [-1, 4] },
            { name: 'logits', datatype: 'FP32', shape: [-1, 4] },
          ],
        },
      ]);
    }
  });

  it('gives the logits and probabilities of pixels and of files, as JSON and as bytes', async () => {
    const { url } = await served();
    const model = await tinyModel({ classNames });
    const expected = [...(await model.logits(Uint8Array.from(pixels(2))))];
    const files = [await noisePngBytes(0), await noisePngBytes(1)];
    const withLength = (file: Buffer): Buffer[] => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(file.length);
      return [length, file];
    };
    const binary = (input: object, bytes: Uint8Array): RequestInit => {
      const head = Buffer.from(
        JSON.stringify({
          inputs: [{ ...input, parameters: { binary_data_size: bytes.length } }],
          parameters: { binary_data_output: true },
        }),
      );
      const headers = {
        'inference-header-content-length': `${head.length}`,
        'content-type': 'application/octet-stream',
      };
      return post(Buffer.from(Buffer.concat([head, bytes])), headers);
    };
    const asPixels = { name: 'pixels', shape: [2, 8, 8, 1], datatype: 'UINT8' };
    const asFiles = { name: 'image', shape: [2], datatype: 'BYTES' };
    const requests: RequestInit[] = [
      post({ id: 'x', inputs: [{ ...asPixels, data: pixels(2) }] }),
      post({ inputs: [{ ...asFiles, data: files.map((file) => file.toString('base64')) }] }),
      binary(asPixels, Uint8Array.from(pixels(2))),
      binary(asFiles, Buffer.concat(files.flatMap(withLength))),
    ];
    for (const request of requests) {
      const response = await fetch(`${url}/v2/models/tiny/infer`, request);
      expect(response.status).toBe(200);
      const all = Buffer.from(await response.arrayBuffer());
      const length = Number(response.headers.get('inference-header-content-length') ?? all.length);
      const { outputs } = JSON.parse(all.subarray(0, length).toString()) as { readonly outputs: Tensor[] };
      expect(outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape }))).toEqual([
        { name: 'probabilities', datatype: 'FP32', shape: [2, 4] },
        { name: 'logits', datatype: 'FP32', shape: [2, 4] },
      ]);
      const logits =
        outputs[1]?.data ?? Array.from({ length: 8 }, (_, i) => all.readFloatLE(length + 32 + 4 * i));
      for (const [i, value] of logits.entries()) expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
    }
  });

  it('has the classification extension: value, index and label of the best classes', async () => {
    const { url } = await served();
    const model = await tinyModel({ classNames });
    const [prediction] = await model.predict(noiseBytes(64));
    const body = {
      id: '7',
      inputs: [{ name: 'pixels', shape: [1, 8, 8, 1], datatype: 'UINT8', data: pixels(1) }],
      outputs: [{ name: 'probabilities', parameters: { classification: 2 } }],
    };
    const answer = (await (await fetch(`${url}/v2/models/tiny/infer`, post(body))).json()) as {
      outputs: Tensor[];
    };
    const top = prediction?.top.slice(0, 2) ?? [];
    const data = top.map(({ index, label, probability }) => `${probability.toFixed(6)}:${index}:${label}`);
    expect(answer).toEqual({
      model_name: 'tiny',
      model_version: '1',
      id: '7',
      outputs: [{ name: 'probabilities', datatype: 'BYTES', shape: [1, 2], data }],
    });
  });

  it.each([
    { name: 'logits' },
    { name: 'logits', parameters: { binary_data: true } },
    { name: 'logits', parameters: { classification: 1 } },
    { name: 'probabilities' },
  ])('answers no numbers where the weights give none, as %o', async (output) => {
    const path = join(await temporaryFolder(), 'model.safetensors');
    const model = await tinyModel({ classNames });
    const bias = must(model.graph.params.at(-1)).path;
    await model.writeTensor(bias, new Float32Array(classNames.length).fill(Number.NaN));
    await model.save(path);
    const { url } = await served({ onError: () => undefined }, await openedTiny({}, path));
    const inputs = [{ name: 'pixels', shape: [1, 8, 8, 1], datatype: 'UINT8', data: pixels(1) }];
    const response = await fetch(`${url}/v2/models/tiny/infer`, post({ inputs, outputs: [output] }));
    expect([response.status, await response.json()]).toMatchObject([500, { code: 'ERR_NOT_FINITE' }]);
  });

  const tensor = { name: 'pixels', shape: [1, 8, 8, 1], datatype: 'UINT8', data: pixels(1) };
  it.each([
    {
      title: 'another model',
      path: '/v2/models/other/infer',
      body: { inputs: [tensor] },
      code: 'ERR_UNKNOWN_NAME',
    },
    {
      title: 'another version',
      path: '/v2/models/tiny/versions/2/infer',
      body: { inputs: [tensor] },
      code: 'ERR_UNKNOWN_NAME',
    },
    { title: 'an unknown input', body: { inputs: [{ ...tensor, name: 'x' }] }, code: 'ERR_UNKNOWN_NAME' },
    {
      title: 'an unknown output',
      body: { inputs: [tensor], outputs: [{ name: 'x' }] },
      code: 'ERR_UNKNOWN_NAME',
    },
    { title: 'another type', body: { inputs: [{ ...tensor, datatype: 'FP32' }] }, code: 'ERR_CONFIG' },
    { title: 'no inputs', body: { inputs: [] }, code: 'ERR_CONFIG' },
    { title: 'another size', body: { inputs: [{ ...tensor, shape: [1, 1, 8, 8] }] }, code: 'ERR_SHAPE' },
    { title: 'too few values', body: { inputs: [{ ...tensor, data: [1, 2] }] }, code: 'ERR_SHAPE' },
    {
      title: 'a level of 256',
      body: { inputs: [{ ...tensor, data: pixels(1).fill(256) }] },
      code: 'ERR_REQUEST',
    },
    {
      title: 'no images',
      body: { inputs: [{ ...tensor, shape: [0, 8, 8, 1], data: [] }] },
      code: 'ERR_SHAPE',
    },
    {
      title: 'too many images',
      body: { inputs: [{ ...tensor, shape: [1e9, 8, 8, 1] }] },
      code: 'ERR_TOO_LARGE',
    },
    {
      title: 'a path',
      body: { inputs: [{ name: 'image', shape: [1], datatype: 'BYTES', data: ['/etc/passwd.png'] }] },
      code: 'ERR_REQUEST',
    },
    {
      title: 'bytes that are not there',
      body: { inputs: [{ ...tensor, parameters: { binary_data_size: 64 } }] },
      code: 'ERR_REQUEST',
    },
    {
      title: 'a header that is too long',
      body: { inputs: [tensor] },
      headers: { 'inference-header-content-length': '99999' },
      code: 'ERR_REQUEST',
    },
  ])('refuses $title with $code', async ({ path = '/v2/models/tiny/infer', body, headers = {}, code }) => {
    const { url } = await served();
    const response = await fetch(`${url}${path}`, post(body, headers));
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await response.json()).toMatchObject({ code, error: expect.stringContaining('Expected') });
  });
});
