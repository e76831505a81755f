/** Errors as answers: a code and a hint, never a stack or what only the operator is to know. */
import type { FastifyError } from 'fastify';
import { type ErrorCode, errorCodes, isLmError, LmError } from '../../errors.ts';

/** Errors that are about the request; of any other only the meaning of the code is told. */
const ofRequests: readonly ErrorCode[] = [
  'ERR_CONFIG',
  'ERR_SHAPE',
  'ERR_IMAGE',
  'ERR_TOO_LARGE',
  'ERR_UNKNOWN_NAME',
  'ERR_REQUEST',
  'ERR_UNAUTHORIZED',
  'ERR_ROUTE',
  'ERR_METHOD',
  'ERR_TIMEOUT',
  'ERR_MEDIA_TYPE',
  'ERR_BUSY',
  'ERR_CLOSED',
  'ERR_ABORTED',
];

/** An error as it is answered. */
export interface ErrorAnswer {
  readonly error: string;
  readonly code: ErrorCode;
  readonly hint?: string;
}

/** Status and body of the answer to a request that failed, and whether its operator should know. */
export function answerOf(error: unknown): {
  readonly status: number;
  readonly body: ErrorAnswer;
  readonly isOurs: boolean;
} {
  const known = isLmError(error) ? error : fromFastify(error);
  const { code, status, message, hint } = known;
  if (!ofRequests.includes(code))
    return {
      status: status >= 500 ? status : 500,
      body: { error: errorCodes[code].meaning, code },
      isOurs: true,
    };
  return { status, body: { error: message, code, ...(hint === undefined ? {} : { hint }) }, isOurs: false };
}

/** Codes of Fastify and its parts that say the same as one of ours. */
const codes: Readonly<Record<string, readonly [code: ErrorCode, message: string, hint?: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'ERR_TOO_LARGE',
    'The body of the request is larger than the limit',
    'Send fewer or smaller images; GET /model says the limits.',
  ],
  FST_REQ_FILE_TOO_LARGE: [
    'ERR_TOO_LARGE',
    'A file in the form is larger than the limit',
    'Send a smaller image.',
  ],
  FST_FILES_LIMIT: ['ERR_TOO_LARGE', 'The form has more files than the limit', 'Send several requests.'],
  FST_FIELDS_LIMIT: ['ERR_TOO_LARGE', 'The form has more fields than the limit'],
  FST_PARTS_LIMIT: ['ERR_TOO_LARGE', 'The form has more parts than the limit', 'Send several requests.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['ERR_MEDIA_TYPE', 'The type of the body is not taken'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'ERR_REQUEST',
    'The body is shorter or longer than its Content-Length',
  ],
};

function fromFastify(error: unknown): LmError {
  const { code = '', statusCode = 500 } = error as FastifyError;
  const [known, message = '', hint] = codes[code] ?? [];
  if (known !== undefined)
    return new LmError(known, message, { cause: error, ...(hint === undefined ? {} : { hint }) });
  if (statusCode >= 400 && statusCode < 500)
    return new LmError('ERR_REQUEST', 'The request is malformed', { cause: error });
  return new LmError('ERR_SERVICE', 'The service failed', { cause: error });
}
