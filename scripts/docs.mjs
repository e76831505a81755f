// Writes docs/errors.md from the table of codes; `--check` only compares. Needs dist (npm run bootstrap).
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorCodes } from '../dist/errors.js';

const path = fileURLToPath(new URL('../docs/errors.md', import.meta.url));
const rows = Object.entries(errorCodes).map(
  ([code, { meaning, exit, status }]) => `| \`${code}\` | ${meaning} | ${exit} | ${status} |`,
);
const text = `# Errors

Every error that this package throws on purpose is an \`LmError\` with one of these codes, a message and mostly a \`hint\` that says how to fix it. Codes
never change their meaning. This page is made from \`src/errors.ts\` by \`npm run docs\`.

| code | meaning | exit code | HTTP status |
|---|---|---|---|
${rows.join('\n')}
`;

if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('docs/errors.md is not what src/errors.ts says: npm run docs');
  process.exitCode = 1;
}
