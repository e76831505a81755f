/** Validation of options: a zod schema in, values with their defaults or one `LmError` out. */
import { z } from 'zod';
import { didYouMean, expected, type LmError, type LmErrorOptions } from './errors.ts';
import { must } from './must.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** What a value of this type is called in a message. */
const nouns: Readonly<Record<string, string>> = {
  int: 'an integer',
  number: 'a finite number',
  array: 'an array',
  object: 'an object',
  undefined: 'nothing',
  null: 'null',
  tuple: 'an array',
  record: 'an object',
};

/**
 * Checks options against a zod schema and fills in their defaults. A key that the schema lacks is an error,
 * at the top level also where the schema is a plain `z.object`. The message of a `refine` should read as the
 * ‹what› of "Expected ‹what› for …": `{ message: 'an even number' }`.
 *
 * @param what name of the value in messages, such as `train`: a wrong rate is then reported for `train.lr`.
 * @returns the parsed value, defaults filled in.
 * @throws ERR_CONFIG for the first thing that is wrong, unknown keys first; the hint has the nearest known
 *   name.
 * @example
 * parseOptions(z.object({ lr: z.number().positive().default(0.1) }), { lrr: 1 }, 'train');
 * // LmError: Expected a known option for `train.lrr` but received 1. Hint: Did you mean "lr"?
 */
export function parseOptions<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const strict = strictly(schema);
  const result = strict.safeParse(value);
  if (result.success) return result.data as z.output<S>;
  const { issues } = result.error;
  const issue = issues.find((i) => i.code === 'unrecognized_keys') ?? must(issues[0]);
  throw explain(issue, strict, value, what);
}

/** The same schema that takes no unknown keys; made once, for making one takes longer than what it checks. */
function strictly(schema: z.ZodType): z.ZodType {
  if (!(schema instanceof z.ZodObject) || schema.def.catchall !== undefined) return schema;
  const strict = stricts.get(schema) ?? schema.strict();
  stricts.set(schema, strict);
  return strict;
}

const stricts = new WeakMap<z.ZodType, z.ZodType>();

/**
 * Type of an argument that is one of the known names: for a literal that is none, the compiler's message has
 * the known names that begin as it does, for as many letters as there are such.
 *
 * @example
 * function pick<const N extends Suggesting<'one' | 'two'>>(name: KnownName<N, 'one' | 'two'>): void {}
 * pick('tow'); // Argument of type '"tow"' is not assignable to parameter of type '"two"'.
 */
export type KnownName<Name extends string, Known extends string> = string extends Name
  ? Known
  : Name extends Known
    ? Name
    : Alike<Name, Known>;

/** Any text, of which an editor suggests the known names. */
export type Suggesting<Known extends string> = Known | (string & {});

/** The names that begin with as much of a text as any does. */
type Alike<
  Text extends string,
  Known extends string,
  Start extends string = '',
> = Text extends `${infer Letter}${infer Rest}`
  ? [Beginning<Known, `${Start}${Letter}`>] extends [never]
    ? Known
    : Alike<Rest, Beginning<Known, `${Start}${Letter}`>, `${Start}${Letter}`>
  : Known;

type Beginning<Known extends string, Start extends string> = Known extends `${Start}${string}`
  ? Known
  : never;

/**
 * Checks that a value is one of a list of names.
 *
 * @throws ERR_UNKNOWN_NAME with the nearest name as its hint.
 * @example
 * oneOf('mnits', ['mnist', 'cifar10'], 'data set'); // Expected a known data set … Did you mean "mnist"?
 */
export function oneOf<T extends string>(value: unknown, names: readonly T[], what: string): T {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw expected('ERR_UNKNOWN_NAME', `a known ${what}`, what, value, {
    hint: didYouMean(String(value), names),
  });
}

/**
 * A schema of objects that are told apart by their `kind`, for which the kind alone does too: `cosine` is
 * short for `{ kind: 'cosine' }`.
 */
export function kindOrObject<T, Input>(union: z.ZodType<T, Input>): z.ZodType<T, Input> {
  const { options } = union as unknown as z.ZodDiscriminatedUnion<readonly z.ZodObject[]>;
  const kinds = options.map(({ shape }) => String((shape.kind as z.ZodLiteral).value));
  const word = z.enum(kinds).transform((kind): unknown => ({ kind }));
  return z.union([word.pipe(union as unknown as z.ZodType<T>), union]) as unknown as z.ZodType<T, Input>;
}

function explain(issue: Issue, schema: z.ZodType, value: unknown, what: string): LmError {
  const inner = deepest(issue);
  const parent = at(value, inner.path);
  if (inner.code === 'unrecognized_keys') {
    const key = must(inner.keys[0]);
    const known = keysAt(schema, value, inner.path);
    const options: LmErrorOptions = known.length > 0 ? { hint: didYouMean(key, known) } : {};
    return expected(
      'ERR_CONFIG',
      'a known option',
      name(what, [...inner.path, key]),
      at(parent, [key]),
      options,
    );
  }
  const hint = typeof parent === 'string' ? suggestion(inner, parent) : undefined;
  return expected(
    'ERR_CONFIG',
    describe(inner),
    name(what, inner.path),
    parent,
    hint === undefined ? {} : { hint },
  );
}

/**
 * The issue inside a union that says most: a key that no alternative knows; of the alternative that got
 * farthest; the union itself when none got inside.
 */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const unknown = issue.errors.map((errors) =>
    errors.flatMap((i) => (i.code === 'unrecognized_keys' && i.path.length === 0 ? i.keys : [])),
  );
  const keys = unknown[0]?.filter((key) => unknown.every((others) => others.includes(key))) ?? [];
  if (keys.length > 0) return { code: 'unrecognized_keys', keys, path: issue.path, message: issue.message };
  const inside = issue.errors.flat().filter((i) => i.path.length > 0 || i.code === 'unrecognized_keys');
  const best = inside.toSorted((a, b) => b.path.length - a.path.length)[0];
  return best === undefined ? issue : deepest({ ...best, path: [...issue.path, ...best.path] });
}

/** The ‹what› of a message. */
function describe(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return nouns[issue.expected] ?? `a ${issue.expected}`;
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? '>' : '>=', Number(issue.minimum));
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? '<' : '<=', Number(issue.maximum));
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_value':
      return list(issue.values.map((v) => (typeof v === 'string' ? `"${v}"` : String(v))));
    case 'invalid_union':
      return union(issue);
    default:
      return issue.message;
  }
}

function bound(origin: string, sign: string, limit: number): string {
  if (origin === 'number' || origin === 'int' || origin === 'bigint') return `a number ${sign} ${limit}`;
  return `${origin === 'array' ? 'an' : 'a'} ${origin} of length ${sign} ${limit}`;
}

function union(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const { options } = issue as { options?: readonly unknown[] };
  if (options !== undefined) return list(options.map((o) => `"${String(o)}"`));
  return list([...new Set(issue.errors.flatMap((errors) => errors.slice(0, 1).map(describe)))]);
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function suggestion(issue: Issue, value: string): string | undefined {
  const words = choicesOf(issue).filter((v) => typeof v === 'string');
  return words.length > 0 ? didYouMean(value, words) : undefined;
}

/** The values that an issue knows, in the alternatives of a union too. */
function choicesOf(issue: Issue): readonly unknown[] {
  if (issue.code === 'invalid_value') return issue.values;
  if (issue.code !== 'invalid_union') return [];
  const { options = [] } = issue as { options?: readonly unknown[] };
  return [
    ...options,
    ...issue.errors.flat().flatMap((inner) => (inner.path.length === 0 ? choicesOf(inner) : [])),
  ];
}

/** `train.schedule.milestones[2]` */
function name(what: string, path: Path): string {
  return path.reduce<string>((s, p) => (typeof p === 'number' ? `${s}[${p}]` : `${s}.${String(p)}`), what);
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (v, key) => (typeof v === 'object' && v !== null ? Reflect.get(v, key) : undefined),
    value,
  );
}

/** The keys that a schema knows at a path; a discriminated union is followed by what the value says. */
function keysAt(schema: unknown, value: unknown, path: Path): string[] {
  if (schema instanceof z.ZodObject) {
    const [key, ...rest] = path;
    if (key === undefined) return Object.keys(schema.shape);
    return keysAt(Reflect.get(schema.shape, key), at(value, [key]), rest);
  }
  if (schema instanceof z.ZodArray) return keysAt(schema.element, at(value, path.slice(0, 1)), path.slice(1));
  if (schema instanceof z.ZodUnion) return unionKeys(schema.options, value, path);
  if (schema instanceof z.ZodPipe) return keysAt(schema.in, value, path);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return keysAt(schema.unwrap(), value, path);
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodReadonly)
    return keysAt(schema.unwrap(), value, path);
  return [];
}

function unionKeys(options: readonly unknown[], value: unknown, path: Path): string[] {
  const kind = at(value, ['kind']);
  const fits = (o: unknown): boolean =>
    o instanceof z.ZodObject && o.shape.kind instanceof z.ZodLiteral && o.shape.kind.value === kind;
  const found = options.find(fits);
  return [
    ...new Set(
      found === undefined ? options.flatMap((o) => keysAt(o, value, path)) : keysAt(found, value, path),
    ),
  ];
}
