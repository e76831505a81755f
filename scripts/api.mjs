// Writes docs/api.md, the reference of every export, from the declarations in dist (npm run bootstrap) and
// their doc comments; `--check` only looks for exports without one. Made anew when a release is packed.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

// TypeScript 7 has no API of its compiler; the packages' checker brings an older one that has.
const require = createRequire(createRequire(join(root, 'package.json')).resolve('@arethetypeswrong/core'));
const ts = require('typescript');

const entries = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports;

/** One export: its name, doc comment ('' where there is none) and declaration. */
function describe(symbol, checker) {
  const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const [declaration] = real.declarations ?? [];
  const text = ts.displayPartsToString(real.getDocumentationComment(checker));
  const tags = real
    .getJsDocTags(checker)
    .map(({ name, text }) => ({ name, text: ts.displayPartsToString(text ?? []) }));
  return { name: symbol.name, kind: kindOf(declaration), text, tags, source: sourceOf(declaration) };
}

const kinds = [
  ['function', ts.isFunctionDeclaration],
  ['class', ts.isClassDeclaration],
  ['interface', ts.isInterfaceDeclaration],
  ['type', ts.isTypeAliasDeclaration],
  ['constant', ts.isVariableDeclaration],
];

function kindOf(declaration) {
  return kinds.find(([, is]) => declaration !== undefined && is(declaration))?.[0] ?? 'module';
}

/** The declaration as it stands in the .d.ts, with the comments of its members. */
function sourceOf(declaration) {
  if (declaration === undefined || ts.isSourceFile(declaration)) return '';
  const whole = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return whole
    .getText()
    .replace(/^export (declare )?/, '')
    .replace(/^ {4}/gm, '  ');
}

/** Every export of an entry, sorted by name. */
export function exportsOf(file) {
  const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
  const program = ts.createProgram([file], { ...options, target: ts.ScriptTarget.ES2022, types: ['node'] });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  const found = checker.getExportsOfModule(module).map((symbol) => describe(symbol, checker));
  return found.sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** The page for entries such as `{ 'lm-resnet': [...] }`. */
export function apiPage(modules) {
  const intro =
    '# API\n\nEvery export with its declaration and doc comment, made from the sources by `npm run docs:api`.\n';
  const parts = Object.entries(modules).map(([name, members]) => {
    const index = members.map((member) => `[${member.name}](#${anchor(member.name)})`).join(' · ');
    return [`## ${name}\n\n${index}\n`, ...members.map(section)].join('\n');
  });
  return [intro, ...parts].join('\n');
}

const anchor = (name) => name.toLowerCase();

function section({ name, text, tags, source }) {
  const notes = tags
    .filter((tag) => tag.name !== 'example' && tag.name !== 'module')
    .map(({ name, text }) => `- *${name}* ${text.replaceAll('\n', '\n  ')}`);
  const examples = tags
    .filter((tag) => tag.name === 'example')
    .map((tag) => `\`\`\`ts\n${tag.text.trim()}\n\`\`\`\n`);
  const code = source === '' ? [] : [`\`\`\`ts\n${source}\n\`\`\`\n`];
  const list = notes.length === 0 ? [] : [`${notes.join('\n')}\n`];
  return [`### ${name}\n\n${text}\n`, ...code, ...list, ...examples].join('\n');
}

/** Entries of package.json that have declarations. */
function modules() {
  const typed = Object.entries(entries).filter(([, entry]) => entry.types !== undefined);
  return Object.fromEntries(
    typed.map(([name, { types }]) => [join('lm-resnet', name), exportsOf(join(root, types))]),
  );
}

/** Writes docs/api.md. @returns names of exports without a doc comment. */
export function writeApi({ check = false } = {}) {
  const found = modules();
  if (!check) writeFileSync(join(root, 'docs', 'api.md'), apiPage(found));
  const all = Object.values(found).flat();
  return all.filter(({ text, kind }) => text.trim() === '' && kind !== 'module').map(({ name }) => name);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const bare = writeApi({ check: process.argv.includes('--check') });
  if (bare.length > 0) {
    console.error(`Exports without a doc comment: ${bare.join(', ')}`);
    process.exitCode = 1;
  }
}
