/**
 * A client of the service, for browsers, Node and others: it needs `fetch` alone, and imports nothing.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts';
import { type Failure, type Operations, operations, type Prediction } from './api.ts';
import { ServiceError } from './serviceError.ts';

export type * from './api.ts';
export { ServiceError } from './serviceError.ts';

/** An image file: a `File` or `Blob` of a page, or its bytes. */
export type ClientImage = Blob | ArrayBuffer | Uint8Array;

/** Options of `createClient`. */
export interface ClientOptions {
  /** Where the service is, such as "http://127.0.0.1:8000" or "https://example.org/digits". */
  readonly url: string | URL;
  readonly apiKey?: string | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
}

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call; what waits then leaves the queue of the service. */
  readonly signal?: AbortSignal | undefined;
}

/** An operation as a function: it takes what its path, query and body need, if anything. */
type Call<O extends { readonly given: unknown; readonly answer: unknown }> = O['given'] extends undefined
  ? (given?: undefined, options?: CallOptions) => Promise<O['answer']>
  : (given: O['given'], options?: CallOptions) => Promise<O['answer']>;

/** Every operation of the OpenAPI document by its name, but for `classify`, which takes images. */
export type Client = {
  readonly [K in Exclude<keyof Operations, 'classify'>]: Call<Operations[K]>;
} & {
  /**
   * Classifies image files.
   *
   * @param options.topK guesses per image, default 5.
   * @throws ServiceError with the code and hint of the service: ERR_IMAGE, ERR_TOO_LARGE, ERR_BUSY, …; what
   *   `fetch` throws.
   */
  classify(image: ClientImage, options?: ClassifyCall): Promise<Prediction>;
  classify(images: readonly ClientImage[], options?: ClassifyCall): Promise<readonly Prediction[]>;
};

/** Options of `Client.classify`. */
export interface ClassifyCall extends CallOptions {
  /** Guesses per image, default 5. */
  readonly topK?: number | undefined;
}

type Body = NonNullable<RequestInit['body']>;

/** What a request is made of. */
interface Sent {
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly body?: Body | undefined;
  readonly type?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A client of a service.
 *
 * @throws TypeError where the url is none.
 * @example
 * const client = createClient({ url: 'http://127.0.0.1:8000', apiKey });
 * const { label, probability } = await client.classify(file, { topK: 3 });
 */
export function createClient(options: ClientOptions): Client {
  const send = sender(options);
  const calls = Object.keys(operations).map((name) => {
    const call = (given: Readonly<Record<string, unknown>> = {}, { signal }: CallOptions = {}) => {
      const { body, ...parameters } = given;
      const json = body === undefined ? {} : { body: JSON.stringify(body), type: 'application/json' };
      return send(name as keyof Operations, { parameters, signal, ...json });
    };
    return [name, call];
  });
  const classify = async (
    images: ClientImage | readonly ClientImage[],
    { topK, signal }: ClassifyCall = {},
  ): Promise<Prediction | readonly Prediction[] | undefined> => {
    const parameters = { topK };
    const sent = Array.isArray(images)
      ? { body: formOf(images) }
      : { body: images as Body, type: 'application/octet-stream' };
    const { predictions } = await send('classify', { parameters, signal, ...sent });
    return Array.isArray(images) ? predictions : predictions[0];
  };
  return { ...Object.fromEntries(calls), classify } as Client;
}

/** Sends requests of operations, and gives what is answered. */
function sender({ url, apiKey, fetch: fetched = fetch }: ClientOptions) {
  const base = new URL(url).href.replace(/\/$/, '');
  return async <K extends keyof Operations>(
    name: K,
    { parameters = {}, body, type, signal }: Sent,
  ): Promise<Operations[K]['answer']> => {
    const headers = {
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(type === undefined ? {} : { 'content-type': type }),
    };
    const response = await fetched(base + placeOf(name, parameters), {
      method: operations[name].method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok) throw await failed(response);
    return (await response.json()) as Operations[K]['answer'];
  };
}

/** Path and query of an operation. */
function placeOf(name: keyof Operations, parameters: Readonly<Record<string, unknown>>): string {
  const { path, query } = operations[name];
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, part: string) =>
    encodeURIComponent(`${parameters[part]}`),
  );
  const asked = query.filter((one) => parameters[one] !== undefined);
  const search = asked.map((one) => `${one}=${encodeURIComponent(`${parameters[one]}`)}`).join('&');
  return search === '' ? filled : `${filled}?${search}`;
}

function formOf(images: readonly ClientImage[]): FormData {
  const form = new FormData();
  for (const [i, image] of images.entries())
    form.append('image', image instanceof Blob ? image : new Blob([image as ArrayBuffer]), `image${i}`);
  return form;
}

/** What a service that failed says; a proxy before it may say something else. */
async function failed(response: Response): Promise<ServiceError> {
  const { status, headers } = response;
  const told = (await response.json().catch(() => ({}))) as Partial<Failure>;
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return new ServiceError(told.error ?? `The service answered with ${status}`, {
    status,
    code: told.code as ErrorCode | undefined,
    hint: told.hint,
    retryAfter: Number.isFinite(seconds) ? seconds : undefined,
  });
}
