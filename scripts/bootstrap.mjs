// Makes a fresh clone ready: npm packages, TypeScript, libtorch, native build. Plain Node:
// `node scripts/bootstrap.mjs`. Each step has a stamp and is skipped where nothing changed; stopped midway,
// the next run goes on with the step that is missing.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, hashFiles, listFiles, runQuietly } from './build.mjs';
import { developmentMinor, locateLibtorch } from './libtorch.mjs';
import { withLock } from './lock.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const help = `Usage: node scripts/bootstrap.mjs [--quiet]

Makes this clone ready to use: npm packages, TypeScript, libtorch, native build. Run it again at any time.
Environment: LIBTORCH or LM_RESNET_LIBTORCH name a folder of libtorch (2.13, 2.14, 2.15); without one, 2.13 is installed into
the user's cache.`;

/** In order; each returns whether it did anything. */
const steps = [
  ['npm packages', installPackages],
  ['TypeScript', compileTypeScript],
  ['libtorch', provideLibtorch],
  ['native build', () => build()],
];

/**
 * Runs every step that is due. Two at once wait for each other.
 *
 * @param {{ quiet?: boolean }} options quiet: print only the steps that do something.
 */
export async function bootstrap({ quiet = false } = {}) {
  const say = (text) => console.error(text);
  const start = performance.now();
  const done = await withLock(
    root,
    () => runSteps(say),
    () => say('waiting for another bootstrap of this clone'),
  );
  if (!quiet || done > 0) say(`ready in ${seconds(start)} s${done === 0 ? ': nothing changed' : ''}`);
}

async function runSteps(say) {
  let done = 0;
  for (const [name, run] of steps) {
    const start = performance.now();
    const did = await run(say).catch((error) => {
      error.message = `${name}: ${error.message}`;
      throw error;
    });
    if (did) say(`${name}: ${seconds(start)} s`);
    done += did ? 1 : 0;
  }
  return done;
}

async function installPackages() {
  return once(join('node_modules', '.lm-stamp'), ['package-lock.json'], 'node_modules', () =>
    runQuietly('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root }),
  );
}

/**
 * Overwrites file by file, so that a program that runs from dist keeps its modules; then drops what no source
 * makes.
 */
export async function compileTypeScript() {
  return once(join('dist', '.lm-stamp'), ['src', 'tsconfig.json', 'package-lock.json'], 'dist', async () => {
    const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
    const text = await runQuietly(process.execPath, [tsc, '-p', '.', '--listEmittedFiles'], { cwd: root });
    const emitted = new Set(
      [...text.matchAll(/^TSFILE:\s*(.+)$/gm)].map(([, file]) => resolve(root, file.trim())),
    );
    const stale = listFiles(root, 'dist').map((file) => join(root, file));
    for (const file of stale.filter((file) => !emitted.has(file))) rmSync(file);
  });
}

async function provideLibtorch(say) {
  const named = process.env.LM_RESNET_LIBTORCH || process.env.LIBTORCH;
  // One that was named explicitly and is wrong is the user's to correct.
  if (named) return locateLibtorch().then(() => false);
  return (await obtainLibtorch(developmentMinor, say)).installed;
}

/**
 * A libtorch of a minor release: one that is there, else it is installed. What the user's set-up recorded
 * stays, and what the machine's pip is held to for Python programs does not hold for it.
 */
export async function obtainLibtorch(minor, say = () => {}) {
  const load = (path) => import(pathToFileURL(join(root, path)).href);
  const { isLmError } = await load('dist/errors.js');
  try {
    return { libtorch: await locateLibtorch(undefined, minor), installed: false };
  } catch (error) {
    if (!isLmError(error, 'ERR_LIBTORCH_NOT_FOUND') && !isLmError(error, 'ERR_LIBTORCH_VERSION')) throw error;
  }
  const { setupLibtorch } = await load('dist/setup/setup.js');
  const env = { ...process.env, PIP_CONSTRAINT: devNull };
  await setupLibtorch({ minor, env, record: false, onProgress: (text) => say(`  ${text}`) });
  return { libtorch: await locateLibtorch(undefined, minor), installed: true };
}

/** Runs `work` when the files differ from those of the stamp, or the product is gone. */
async function once(stampName, paths, product, work) {
  const stamp = join(root, stampName);
  const hash = hashFiles(root, paths, process.version.split('.')[0]);
  if (existsSync(join(root, product)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash)
    return false;
  rmSync(stamp, { force: true });
  await work();
  writeFileSync(stamp, hash);
  return true;
}

function seconds(start) {
  return ((performance.now() - start) / 1000).toFixed(1);
}

async function main() {
  if (process.argv.includes('--help')) return console.log(help);
  await bootstrap({ quiet: process.argv.includes('--quiet') });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(
      `${error.code ? `${error.code}: ` : ''}${error.message}${error.hint ? `\n${error.hint}` : ''}`,
    );
    process.exitCode = error.exitCode ?? 1;
  });
}
