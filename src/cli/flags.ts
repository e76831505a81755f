/** Flags made of a schema: one option of the API is one flag, with its default and meaning. */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { expected } from '../errors.ts';
import { must } from '../must.ts';

interface Property {
  readonly type?: string;
  readonly anyOf?: readonly { readonly type?: string }[];
  readonly enum?: readonly string[];
  readonly items?: { readonly type?: string };
  readonly default?: unknown;
  readonly description?: string;
}

/**
 * Adds a flag for every property of a schema: `weightDecay` is `--weight-decay <number>`. Nothing is parsed
 * twice: the schema checks.
 *
 * @param only these properties; default all.
 */
export function addFlags(command: Command, schema: z.ZodType, only?: readonly string[]): void {
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    if (only !== undefined && !only.includes(name)) continue;
    for (const option of optionsOf(name, property)) command.addOption(option);
  }
}

/**
 * A flag `--name <number>` that takes a whole number from 1.
 *
 * @throws ERR_CONFIG with the flag's name, when it is parsed.
 */
export function countOption(name: string, description: string): Option {
  const flag = `--${name}`;
  return new Option(`${flag} <number>`, description).argParser((text) => {
    if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
    throw expected('ERR_CONFIG', 'a whole number from 1', flag, text);
  });
}

/** Those of the flags given that belong to a schema. */
export function givenFlags(
  schema: z.ZodType,
  flags: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = namesOf(schema);
  return Object.fromEntries(Object.entries(flags).filter(([name]) => names.includes(name)));
}

/** The flag of an option, without its dashes: `image-size` for `imageSize`. */
export function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The properties of a schema. */
export function namesOf(schema: z.ZodType): string[] {
  return Object.keys(propertiesOf(schema));
}

function propertiesOf(schema: z.ZodType): Readonly<Record<string, Property>> {
  const json = z.toJSONSchema(schema, { io: 'input' });
  return must(json.properties) as Record<string, Property>;
}

function optionsOf(name: string, property: Property): Option[] {
  const flag = flagOf(name);
  const shown = property.default === undefined ? '' : ` (default: ${defaultOf(property.default)})`;
  const text = `${must(property.description)}${shown}`;
  if (property.type === 'boolean')
    return [
      new Option(`--${flag}`, text),
      new Option(`--no-${flag}`, `not so: ${property.description}`).hideHelp(),
    ];
  if (property.type === 'number' || property.type === 'integer')
    return [new Option(`--${flag} <number>`, text).argParser((value) => toNumber(`--${flag}`, value))];
  if (property.enum !== undefined) return [new Option(`--${flag} <${property.enum.join('|')}>`, text)];
  if (property.type === 'string') return [new Option(`--${flag} <text>`, text)];
  if (property.type === 'array' && property.items?.type === 'string')
    return [new Option(`--${flag} <names>`, text).argParser((value) => value.split(','))];
  if (property.type === 'array' || property.anyOf?.some(({ type }) => type === 'array'))
    return [new Option(`--${flag} <numbers>`, text).argParser((value) => toNumbers(`--${flag}`, value))];
  return [new Option(`--${flag} <kind or JSON>`, text).argParser((value) => toKind(`--${flag}`, value))];
}

function defaultOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'kind' in value ? String(value.kind) : String(value);
}

function toNumber(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw expected('ERR_CONFIG', 'a number', flag, text);
  return value;
}

/** Numbers with commas between them. */
function toNumbers(flag: string, text: string): number[] {
  return text.split(',').map((part) => toNumber(flag, part));
}

/** `cosine` is short for `{"kind": "cosine"}`. */
function toKind(flag: string, text: string): unknown {
  if (!text.trimStart().startsWith('{')) return { kind: text };
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw expected('ERR_CONFIG', 'JSON', flag, text, { cause });
  }
}
