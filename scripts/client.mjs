// Writes src/client/api.ts from the OpenAPI document of the service; `--check` only compares. Needs dist (npm
// run bootstrap), but no libtorch.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fastify } from 'fastify';
import { addInference } from '../dist/serve/http/inference.js';
import { addOpenApi } from '../dist/serve/http/openapi.js';
import { addRoutes } from '../dist/serve/http/routes.js';

const path = fileURLToPath(new URL('../src/client/api.ts', import.meta.url));

/** The document alone: nothing is asked of the service. */
async function documentOf() {
  const app = fastify();
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  await addOpenApi(app, false);
  addRoutes(app, {});
  addInference(app, {});
  await app.ready();
  return app.swagger();
}

const named = new Map();
const comments = new Map();

/** The type of a JSON Schema; what has a title becomes an interface. */
function typeOf(schema) {
  const { type, title, anyOf, items, properties } = schema;
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' | ');
  if (Array.isArray(type)) return type.map((one) => typeOf({ type: one })).join(' | ');
  if (type === 'array') return `readonly (${typeOf(items)})[]`;
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string' || type === 'boolean') return type;
  if (properties === undefined && type === undefined) return 'unknown';
  const body = membersOf(schema);
  if (title === undefined) return body;
  if (named.has(title) && named.get(title) !== body) throw new Error(`Two schemas are called ${title}`);
  named.set(title, body);
  comments.set(title, schema.description);
  return title;
}

function membersOf({ properties, required = [], additionalProperties }) {
  const members = Object.entries(properties).map(([name, schema]) => {
    const comment = schema.description === undefined ? '' : `/** ${sentence(schema.description)} */\n`;
    const isOptional = !required.includes(name);
    return `${comment}readonly ${name}${isOptional ? '?' : ''}: ${typeOf(schema)}${isOptional ? ' | undefined' : ''};`;
  });
  const isOpen = additionalProperties !== undefined && additionalProperties !== false;
  return `{\n${members.join('\n')}${isOpen ? '\nreadonly [name: string]: unknown;' : ''}\n}`;
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

/** What a call is given: parameters by their names, and `body`. */
function givenOf({ parameters = [], requestBody }) {
  const properties = Object.fromEntries(
    parameters.map(({ name, schema, description }) => [name, { ...schema, description }]),
  );
  const required = parameters.filter((one) => one.required).map(({ name }) => name);
  if (requestBody !== undefined) {
    properties.body = requestBody.content['application/json'].schema;
    required.push('body');
  }
  return Object.keys(properties).length === 0 ? 'undefined' : membersOf({ properties, required });
}

const { paths } = await documentOf();
const found = Object.entries(paths).flatMap(([at, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ at, method: method.toUpperCase(), ...operation })),
);
const types = found.map((operation) => {
  const answer = typeOf(operation.responses['200'].content['application/json'].schema);
  typeOf(operation.responses['4XX'].content['application/json'].schema);
  return `/** ${operation.summary}: ${operation.method} ${operation.at} */
readonly ${operation.operationId}: { readonly given: ${givenOf(operation)}; readonly answer: ${answer} };`;
});
const rows = found.map(({ operationId, method, at, parameters = [] }) => {
  const query = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  return `${operationId}: ${JSON.stringify({ method, path: at, query })},`;
});
const commented = (name) =>
  comments.get(name) === undefined ? '' : `/** ${sentence(comments.get(name))} */\n`;
const interfaces = [...named].map(([name, body]) => `${commented(name)}export interface ${name} ${body}\n`);
const source = `/**
 * What the service takes and answers, and where: made of its OpenAPI document by \`npm run client\`.
 */

${interfaces.join('\n')}
/** What every operation is given and answers. */
export interface Operations {
${types.join('\n')}
}

/** Where an operation is; \`query\` names what does not stand in the path. */
export interface Place {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
}

/** Where every operation is. */
export const operations: Readonly<Record<keyof Operations, Place>> = {
${rows.join('\n')}
};
`;
const biome = fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url));
const text = execFileSync(biome, ['format', `--stdin-file-path=${path}`], {
  input: source,
  encoding: 'utf8',
});

if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('src/client/api.ts is not what the service says: npm run client');
  process.exitCode = 1;
}
