/** The images in the body of a request, in any of the forms that it may have. */
import type { FastifyRequest } from 'fastify';
import { parseOptions } from '../../check.ts';
import { expected, isLmError, LmError } from '../../errors.ts';
import { formatOf } from '../../images/imageFile.ts';
import { classifyJson, classifyQuery } from './schema.ts';
import type { Service } from './service.ts';

/** Images of a request, as bytes of files, and how many guesses it asks for. */
export interface ClassifyRequest {
  readonly images: readonly Uint8Array[];
  readonly topK: number;
}

/** Formats of images that a stranger may send: none that can name other files. */
const formats: readonly (string | null)[] = ['JPEG', 'PNG', 'WebP', 'GIF', 'BMP', 'TIFF', 'HEIF', 'Netpbm'];

/**
 * The images of a request: a form with files, an image as the body, or JSON with base64.
 *
 * @throws ERR_REQUEST, ERR_TOO_LARGE, ERR_MEDIA_TYPE, ERR_CONFIG, ERR_IMAGE for a format that is not taken.
 */
export async function imagesOf(service: Service, request: FastifyRequest): Promise<ClassifyRequest> {
  const asked = queryOf(request.query);
  const { images, topK = asked.topK } = request.isMultipart()
    ? await fromForm(service, request).catch(formError)
    : fromBody(request, mediaTypeOf(request));
  const { maxImages } = service.settings;
  if (images.length > maxImages)
    throw new LmError('ERR_TOO_LARGE', `Expected at most ${maxImages} images but received ${images.length}`, {
      hint: 'Send them in several requests.',
    });
  if (images.length === 0) throw expected('ERR_REQUEST', 'at least one image', 'images.length', 0);
  for (const [i, bytes] of images.entries())
    checkFormat(bytes, images.length === 1 ? 'image' : `images[${i}]`);
  return { images, topK };
}

/**
 * Refuses what is none of the formats that are taken.
 *
 * @throws ERR_IMAGE.
 */
export function checkFormat(bytes: Uint8Array, name: string): void {
  const format = formatOf(bytes);
  if (formats.includes(format)) return;
  const what = bytes.length === 0 ? 'no bytes' : (format ?? 'bytes of no known format');
  throw new LmError('ERR_IMAGE', `Expected an image for \`${name}\` but received ${what}`, {
    hint: 'Send JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or Netpbm.',
  });
}

/** The type of a body, without its parameters; undefined where none is told. */
export function mediaTypeOf({ headers }: FastifyRequest): string | undefined {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}

/**
 * JSON of a body.
 *
 * @throws ERR_REQUEST.
 */
export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new LmError('ERR_REQUEST', 'Expected JSON as the body but received something else', { cause });
  }
}

/**
 * Bytes in base64, also that of URLs.
 *
 * @throws ERR_REQUEST: Node passes over what is none.
 */
export function base64Of(text: string, name: string): Uint8Array {
  const body = text.replaceAll(/\s+/g, '');
  if (body.length > 0 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(body)) return Buffer.from(body, 'base64');
  throw expected('ERR_REQUEST', 'base64', name, text, {
    hint: 'Of a data URL, send what stands behind the comma; paths and addresses are never opened.',
  });
}

function queryOf(query: unknown): { readonly topK: number } {
  const { topK, ...rest } = query as Record<string, unknown>;
  const number = typeof topK === 'string' && /^\d+$/.test(topK) ? Number(topK) : topK;
  return parseOptions(classifyQuery, topK === undefined ? rest : { ...rest, topK: number }, 'query');
}

interface Found {
  readonly images: readonly Uint8Array[];
  readonly topK?: number | undefined;
}

function fromBody(request: FastifyRequest, type: string | undefined): Found {
  const bytes = request.body instanceof Uint8Array ? request.body : Buffer.alloc(0);
  if (type === 'application/json') return fromJson(jsonOf(bytes));
  if (type === undefined || type === 'application/octet-stream' || type.startsWith('image/'))
    return { images: [bytes] };
  throw expected('ERR_MEDIA_TYPE', 'an image, a form with files or JSON', 'Content-Type', type, {
    hint: "curl --data-binary @cat.jpg -H 'Content-Type: image/jpeg', or curl -F image=@cat.jpg",
  });
}

function fromJson(body: unknown): Found {
  const { image, images, topK } = parseOptions(classifyJson, body, 'body');
  if ((image === undefined) === (images === undefined))
    throw new LmError('ERR_REQUEST', 'Expected either `image` or `images` in the body', {
      hint: '{"image": "<base64>"} or {"images": ["<base64>", "<base64>"], "topK": 3}',
    });
  if (image !== undefined) return { images: [base64Of(image, 'body.image')], topK };
  return { images: (images ?? []).map((text, i) => base64Of(text, `body.images[${i}]`)), topK };
}

/** What the parser of forms fails with, if it is not told otherwise, is the form's fault. */
function formError(cause: unknown): never {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (isLmError(cause) || code.startsWith('FST_')) throw cause;
  throw new LmError('ERR_REQUEST', 'Expected a form with files as the body but received something else', {
    hint: 'curl -F image=@cat.jpg sends one.',
    cause,
  });
}

async function fromForm({ classifier, settings }: Service, request: FastifyRequest): Promise<Found> {
  const { maxImages } = settings;
  const fields = 8;
  const limits = {
    fileSize: classifier.limits.maxBytes,
    files: maxImages,
    fields,
    parts: maxImages + fields,
  };
  const images: Uint8Array[] = [];
  let topK: number | undefined;
  for await (const part of request.parts({ limits })) {
    if (part.type === 'file') images.push(await part.toBuffer());
    else if (part.fieldname === 'topK') topK = queryOf({ topK: part.value }).topK;
    else
      throw expected('ERR_CONFIG', 'a file, or the field topK,', 'form field', part.fieldname, {
        hint: 'A file has a name in the form: curl -F image=@cat.jpg',
      });
  }
  return { images, topK };
}
