import type { ErrorCode } from '../errors.ts';

/** What a service answers in place of a result. */
export interface ServiceFailure {
  readonly status: number;
  readonly code: ErrorCode | undefined;
  readonly hint: string | undefined;
  readonly retryAfter: number | undefined;
}

/**
 * An answer that is none of success.
 *
 * @example
 * if (error instanceof ServiceError && error.code === 'ERR_BUSY') await wait(error.retryAfter);
 */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  /** HTTP status. */
  readonly status: number;
  /** A stable code (docs/errors.md); undefined where something before the service answered. */
  readonly code: ErrorCode | undefined;
  /** How to fix it. */
  readonly hint: string | undefined;
  /** Seconds after which to ask again, where it is busy or closing. */
  readonly retryAfter: number | undefined;

  constructor(message: string, { status, code, hint, retryAfter }: ServiceFailure) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.retryAfter = retryAfter;
  }
}
