import { closest, distance } from 'fastest-levenshtein';

/**
 * Every error this package throws has one of these codes; their meaning never changes.
 * `status`: what a service answers with (HTTP); `exit`: exit code of the command line.
 */
export const errorCodes = {
  ERR_CONFIG: { meaning: 'An option is unknown, missing or out of range.', status: 400, exit: 2 },
  ERR_UNKNOWN_NAME: {
    meaning: 'No preset, scheme, block, tensor or served model has this name.',
    status: 404,
    exit: 2,
  },
  ERR_NAME_TAKEN: { meaning: 'Two parameters, buffers or scopes share a path.', status: 400, exit: 2 },
  ERR_SHAPE: { meaning: 'Shapes do not fit each other or the model.', status: 400, exit: 2 },
  ERR_GRAPH: { meaning: 'A graph breaks a rule of the format.', status: 400, exit: 2 },
  ERR_CHECKPOINT: { meaning: 'A checkpoint is torn, foreign or of a newer format.', status: 400, exit: 3 },
  ERR_DATASET: { meaning: 'A data set is missing, torn or inconsistent.', status: 400, exit: 3 },
  ERR_IMAGE: { meaning: 'An image cannot be read.', status: 400, exit: 3 },
  ERR_FILE: {
    meaning: 'The file system refused (full, read-only, missing, not permitted).',
    status: 500,
    exit: 3,
  },
  ERR_RUN_EXISTS: { meaning: 'The run folder exists; runs are never overwritten.', status: 409, exit: 3 },
  ERR_TOO_LARGE: { meaning: 'A file or a request is larger than its limit.', status: 413, exit: 2 },
  ERR_REQUEST: { meaning: 'A request to the service is malformed.', status: 400, exit: 2 },
  ERR_UNAUTHORIZED: { meaning: 'The API key of a request is missing or wrong.', status: 401, exit: 2 },
  ERR_ROUTE: { meaning: 'The service does not answer at this path.', status: 404, exit: 2 },
  ERR_METHOD: { meaning: 'The service answers at this path, but not to this method.', status: 405, exit: 2 },
  ERR_TIMEOUT: { meaning: 'A request did not arrive in time.', status: 408, exit: 1 },
  ERR_MEDIA_TYPE: { meaning: 'The service does not take bodies of this type.', status: 415, exit: 2 },
  ERR_PORT: { meaning: 'The service cannot listen at its host and port.', status: 500, exit: 3 },
  ERR_SERVICE: { meaning: 'The service failed; its log says why.', status: 500, exit: 1 },
  ERR_CLOSED: { meaning: 'The model, source, trainer or classifier was closed.', status: 503, exit: 1 },
  ERR_BUSY: {
    meaning: 'The model or the run folder is busy with another job, or a queue is full.',
    status: 503,
    exit: 1,
  },
  ERR_ABORTED: {
    meaning: 'The work was aborted; by a signal of number n the exit code is 128 + n.',
    status: 499,
    exit: 130,
  },
  ERR_NOT_FINITE: { meaning: 'A loss, activation or gradient became NaN or infinite.', status: 500, exit: 4 },
  ERR_RANKS: {
    meaning: 'Another rank of a training failed, does not answer, or was started with something else.',
    status: 500,
    exit: 6,
  },
  ERR_DEVICE: { meaning: 'The device does not exist here, or failed.', status: 500, exit: 5 },
  ERR_MEMORY: { meaning: 'Memory ran out.', status: 503, exit: 5 },
  ERR_LIBTORCH_NOT_FOUND: { meaning: 'No usable libtorch was found.', status: 500, exit: 5 },
  ERR_LIBTORCH_VERSION: { meaning: 'libtorch has another version than the addon.', status: 500, exit: 5 },
  ERR_ADDON_MISSING: { meaning: 'The native addon is missing or cannot be loaded.', status: 500, exit: 5 },
  ERR_PREREQUISITE: { meaning: 'A tool that the set-up needs is missing.', status: 500, exit: 5 },
  ERR_SETUP: { meaning: 'Setting up libtorch failed.', status: 500, exit: 5 },
  ERR_TORCH: { meaning: 'libtorch reported an error.', status: 500, exit: 1 },
} as const;

/** Code of an `LmError`; codes never change their meaning. */
export type ErrorCode = keyof typeof errorCodes;

export interface LmErrorOptions {
  /** How to fix it: one sentence or the corrected call. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of this package: a stable `code`, a message of the shape
 * "Expected ‹what› for `‹name›` but received ‹value›", and a `hint` that says how to fix it.
 *
 * @example
 * try { await Model.load('model.safetensors'); }
 * catch (e) { if (isLmError(e, 'ERR_CHECKPOINT')) console.error(e.message, e.hint); else throw e; }
 */
export class LmError extends Error {
  override readonly name = 'LmError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: LmErrorOptions = {}) {
    super(presentable(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  /** HTTP status a service answers with. */
  get status(): number {
    return errorCodes[this.code].status;
  }

  /** Exit code of the command line. */
  get exitCode(): number {
    return errorCodes[this.code].exit;
  }
}

/** The longest message, in letters: it may quote a file. */
const maxMessage = 4000;

/** Without control characters, which a terminal would obey. */
function presentable(message: string): string {
  const text = message.length > maxMessage ? `${message.slice(0, maxMessage)}…` : message;
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, '\ufffd');
}

/** True if `error` is an {@link LmError}, of the given code when one is named. */
export function isLmError(error: unknown, code?: ErrorCode): error is LmError {
  return error instanceof LmError && (code === undefined || error.code === code);
}

/** A value as it reads in a message: short, quoted, never a dump. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `"${value.length > 60 ? `${value.slice(0, 57)}…` : value}"`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`;
  if (typeof value === 'object' && value !== null) {
    const text = asJson(value);
    return text.length > 60 ? `${text.slice(0, 57)}…` : text;
  }
  return String(value);
}

/** Circular values and big integers have no JSON. */
function asJson(value: object): string {
  try {
    return JSON.stringify(value) ?? 'an object';
  } catch {
    return 'an object';
  }
}

/** The one message shape for a wrong value. */
export function expected(
  code: ErrorCode,
  what: string,
  name: string,
  value: unknown,
  options: LmErrorOptions = {},
): LmError {
  return new LmError(code, `Expected ${what} for \`${name}\` but received ${show(value)}`, options);
}

/**
 * Refuses an option value that is none of the known.
 *
 * @throws ERR_CONFIG.
 */
export function checkChoice(value: string, known: readonly string[], name: string): void {
  if (!known.includes(value)) throw expected('ERR_CONFIG', `one of ${known.join(', ')}`, name, value);
}

/** A word of a shell's command line, for a hint that names a command. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Names that a message lists. */
const mostShown = 5;

/** "a, b, c and 5 more": the first names of a list of so many. */
export function firstFew(names: readonly string[], count: number = names.length): string {
  const shown = names.slice(0, mostShown);
  const more = count > shown.length ? ` and ${count - shown.length} more` : '';
  return `${shown.join(', ')}${more}`;
}

/** Names close to a mistyped one, as a hint: the nearest first, or the whole list when nothing is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const nearest = known.length > 0 ? closest(name, known) : undefined;
  if (nearest !== undefined && distance(name, nearest) <= Math.max(2, name.length / 3))
    return `Did you mean "${nearest}"?`;
  return `Known: ${known.join(', ')}.`;
}
