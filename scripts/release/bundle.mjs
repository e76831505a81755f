// The modules of dist in a few files: Node takes about half a millisecond for every module that it links, and
// there are 300, with 95 of zod. What is published is so; a clone runs from the modules themselves.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { listFiles } from '../build.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What package.json names; each is a file of its own, and what they share lies in chunks/. */
const entries = { index: 'index.js', 'cli/main': 'cli/main.js', 'client/client': 'client/client.js' };

/** Replaces the modules in a staged `dist`; its declarations stay. */
export async function bundle(dist) {
  const out = mkdtempSync(`${dist}-`);
  try {
    const build = await rolldown({
      cwd: dist,
      input: entries,
      platform: 'node',
      resolve: { alias: { zod: join(root, 'node_modules', 'zod', 'index.js') } },
      external: (id) => !id.startsWith('.') && !isAbsolute(id) && id !== 'zod' && !(id in entries),
    });
    const { output } = await build.write({
      dir: out,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name].js',
      comments: false,
    });
    for (const { fileName, code = '' } of output) checkPlace(fileName, code);
    for (const file of listFiles(dist, '.').filter((name) => name.endsWith('.js'))) rmSync(join(dist, file));
    cpSync(out, dist, { recursive: true });
    cpSync(join(root, 'node_modules', 'zod', 'LICENSE'), join(dist, 'chunks', 'zod.LICENSE.txt'));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** What finds the folder of the package goes two folders up, as from a folder of dist. */
function checkPlace(fileName, code) {
  if (!code.includes('import.meta.url') || fileName.split('/').length === 2) return;
  throw new Error(`${fileName} looks for files beside itself, but does not lie in a folder of dist`);
}
