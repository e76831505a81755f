// Type-checks every TypeScript block of README.md and docs/ against the sources. What a block takes as given
// stands before it in a comment that no reader sees: <!-- given: declare const picture: Blob; -->
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'blocks');

/** @returns {{ line: number, code: string }[]} the blocks of a page, each after what it takes as given. */
export function blocksOf(page) {
  const pattern = /(?:^<!-- given: (?<given>[\s\S]*?) -->\n\n?)?^```ts\n(?<code>[\s\S]*?)^```$/gm;
  return [...page.matchAll(pattern)].map((match) => {
    const line = page.slice(0, match.index).split('\n').length;
    return { line, code: `${match.groups.given ?? ''}\n${match.groups.code}\nexport {};\n` };
  });
}

function main() {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'api.md');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let count = 0;
  for (const page of ['README.md', ...docs.map((name) => join('docs', name))]) {
    for (const { line, code } of blocksOf(readFileSync(join(root, page), 'utf8'))) {
      count++;
      writeFileSync(join(folder, `${page.replaceAll(/[/\\.]/g, '-')}-line-${line}.ts`), code);
    }
  }
  const compilerOptions = {
    rootDir: '../..',
    noUnusedLocals: false,
    noUnusedParameters: false,
    verbatimModuleSyntax: false,
    paths: { 'lm-resnet': ['../../src/index.ts'], 'lm-resnet/client': ['../../src/client/client.ts'] },
  };
  const config = { extends: '../../tsconfig.test.json', compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', stdio: 'pipe' });
    console.log(`${count} blocks of code: all type-check`);
  } catch (error) {
    console.error(error.stdout || error.message);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
