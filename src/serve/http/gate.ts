/** Who may come in, and how many at a time: both are decided before a body is read. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { LmError } from '../../errors.ts';
import { must } from '../../must.ts';

/** Bytes of bodies that are read or held at a time. */
const mostBytes = 2 ** 29;

/**
 * Checks the key of a request, in a time that does not depend on how much of it is right.
 *
 * @throws ERR_UNAUTHORIZED.
 */
export function checkKey(keys: readonly string[], { headers }: Pick<FastifyRequest, 'headers'>): void {
  if (keys.length === 0) return;
  const bearer = /^bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = bearer ?? [headers['x-api-key']].flat()[0];
  const digest = digestOf(given ?? '');
  const fits = keys.map((key) => timingSafeEqual(digestOf(key), digest)).includes(true);
  if (given !== undefined && fits) return;
  const what = given === undefined ? 'none' : 'another one';
  throw new LmError('ERR_UNAUTHORIZED', `Expected an API key of this service but received ${what}`, {
    hint: 'Send it as `Authorization: Bearer KEY` or `X-Api-Key: KEY`.',
  });
}

/** Of equal length whatever the key, which the comparison needs. */
function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Counts requests whose images are to be classified. */
export class Gate {
  readonly #most: number;
  readonly #inside = new WeakMap<object, number>();
  #requests = 0;
  #bytes = 0;

  /** @param most requests at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Lets a request in whose body has so many bytes.
   *
   * @throws ERR_BUSY.
   */
  enter(request: object, bytes: number): void {
    if (this.#requests >= this.#most || (this.#bytes > 0 && this.#bytes + bytes > mostBytes))
      throw new LmError('ERR_BUSY', `The service is busy with ${this.#requests} requests`, {
        hint: 'Repeat the request a little later.',
      });
    this.#inside.set(request, bytes);
    this.#requests++;
    this.#bytes += bytes;
  }

  /** A request was answered, or its client went away. */
  leave(request: object): void {
    if (!this.#inside.has(request)) return;
    this.#requests--;
    this.#bytes -= must(this.#inside.get(request));
    this.#inside.delete(request);
  }
}
