/** Tensors of the Open Inference Protocol: as JSON, or as bytes behind it (Triton's binary extension). */
import { z } from 'zod';
import { parseOptions } from '../../check.ts';
import { expected, LmError } from '../../errors.ts';
import { base64Of, jsonOf } from './body.ts';

const parameters = z
  .looseObject({
    binary_data_size: z.int().min(0).optional().describe('bytes of the tensor behind the JSON'),
    binary_data: z.boolean().optional().describe('answer this output as bytes behind the JSON'),
    binary_data_output: z.boolean().optional().describe('answer all outputs as bytes behind the JSON'),
    classification: z
      .int()
      .min(0)
      .optional()
      .describe('answer the best so many classes, "value:index:label"'),
  })
  .meta({ title: 'InferParameters', description: 'parameters of a request or tensor' });

/** A tensor of a request. */
export interface InputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[] | undefined;
  readonly parameters?: { readonly binary_data_size?: number | undefined } | undefined;
}

/** An output that is asked for. */
export interface AskedOutput {
  readonly name: string;
  readonly parameters?:
    | { readonly binary_data?: boolean | undefined; readonly classification?: number | undefined }
    | undefined;
}

/** A request of `infer`. */
export interface InferRequest {
  readonly id?: string | undefined;
  readonly inputs: readonly InputTensor[];
  readonly outputs?: readonly AskedOutput[] | undefined;
  readonly parameters?: { readonly binary_data_output?: boolean | undefined } | undefined;
}

/** The JSON of a request of `infer`. */
export const inferSchema: z.ZodType<InferRequest> = z
  .object({
    id: z.string().optional().describe('given back in the answer'),
    inputs: z
      .array(
        z
          .object({
            name: z.string().describe('image or pixels'),
            datatype: z.string().describe('BYTES for image, UINT8 for pixels'),
            shape: z.array(z.int().min(0)).min(1).max(8).describe('[n], or [n, height, width, channels]'),
            data: z.array(z.unknown()).optional().describe('files in base64, or levels from 0 to 255'),
            parameters: parameters.optional(),
          })
          .meta({ title: 'InputTensor', description: 'a tensor of a request' }),
      )
      .length(1, { message: 'one tensor, `image` or `pixels`,' }),
    outputs: z
      .array(
        z
          .object({ name: z.string().describe('probabilities or logits'), parameters: parameters.optional() })
          .meta({ title: 'AskedOutput', description: 'an output that a request asks for' }),
      )
      .optional()
      .describe('default: all'),
    parameters: parameters.optional(),
  })
  .meta({ title: 'InferRequest', description: 'request for an inference' });

/** A request, and the bytes of its tensor where they stand behind the JSON. */
export interface Inference extends InferRequest {
  readonly binary: Uint8Array | null;
}

/**
 * The request in a body.
 *
 * @param headerLength value of `Inference-Header-Content-Length`: bytes of the JSON; all of it unless told.
 * @throws ERR_REQUEST, ERR_CONFIG.
 */
export function inferenceOf(body: Uint8Array, headerLength: string | undefined): Inference {
  const length = headerLength === undefined ? body.length : Number(headerLength);
  if (!Number.isSafeInteger(length) || length < 0 || length > body.length)
    throw expected('ERR_REQUEST', 'the bytes of the JSON', 'Inference-Header-Content-Length', headerLength);
  const request = parseOptions(inferSchema, jsonOf(body.subarray(0, length)), 'body');
  const [input] = request.inputs;
  const size = input?.parameters?.binary_data_size;
  if (size === undefined) return { ...request, binary: null };
  if (size !== body.length - length)
    throw expected(
      'ERR_REQUEST',
      `${body.length - length}, as many bytes as there are,`,
      'binary_data_size',
      size,
    );
  return { ...request, binary: body.subarray(length) };
}

/** Files of images: [n] or [n, 1] of BYTES, base64 in JSON, each behind its length in four bytes else. */
export function filesOf({ inputs, binary }: Inference, most: number): readonly Uint8Array[] {
  const { data = [], shape } = typed(inputs, 'BYTES');
  const count = shape.reduce((a, b) => a * b, 1);
  checkCount(count, most);
  const flat = data.flat(8);
  const files = binary === null ? flat.map((text, i) => fileOf(text, `data[${i}]`)) : elements(binary, most);
  if (files.length !== count)
    throw expected('ERR_SHAPE', `${count} elements, as the shape says,`, 'image.data', files.length);
  return files;
}

/** Pixels of images, [n, height, width, channels] of UINT8. */
export function pixelsOf(
  { inputs, binary }: Inference,
  [height, width, channels]: readonly [number, number, number],
  most: number,
): readonly Uint8Array[] {
  const { data = [], shape } = typed(inputs, 'UINT8');
  const [count = 0, ...sides] = shape;
  if (sides.join() !== [height, width, channels].join())
    throw expected('ERR_SHAPE', `[n, ${height}, ${width}, ${channels}]`, 'pixels.shape', shape);
  checkCount(count, most);
  const all = binary ?? levels(data.flat(8));
  const size = height * width * channels;
  if (all.length !== count * size)
    throw expected('ERR_SHAPE', `${count * size} values, as the shape says,`, 'pixels.data', all.length);
  return Array.from({ length: count }, (_, i) => all.subarray(i * size, (i + 1) * size));
}

function typed(inputs: readonly InputTensor[], datatype: string): InputTensor {
  const [input] = inputs;
  if (input?.datatype === datatype) return input;
  throw expected('ERR_CONFIG', datatype, `${input?.name}.datatype`, input?.datatype);
}

function checkCount(count: number, most: number): void {
  if (count > most)
    throw new LmError('ERR_TOO_LARGE', `Expected at most ${most} images but received ${count}`, {
      hint: 'Send them in several requests.',
    });
  if (count === 0) throw expected('ERR_SHAPE', 'at least one image', 'shape', 0);
}

function fileOf(text: unknown, name: string): Uint8Array {
  if (typeof text === 'string') return base64Of(text, name);
  throw expected('ERR_REQUEST', 'base64', name, text);
}

function elements(bytes: Uint8Array, most: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (at + 4 + length > bytes.length)
      throw new LmError(
        'ERR_REQUEST',
        'Expected elements behind their lengths but received bytes that end early',
      );
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
    checkCount(found.length, most);
  }
  return found;
}

function levels(values: readonly unknown[]): Uint8Array {
  const wrong = values.findIndex((v) => !(Number.isInteger(v) && Number(v) >= 0 && Number(v) <= 255));
  if (wrong >= 0) throw expected('ERR_REQUEST', 'an integer from 0 to 255', `data[${wrong}]`, values[wrong]);
  return Uint8Array.from(values as readonly number[]);
}
