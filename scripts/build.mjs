// Builds the native binaries with CMake into build/Release. Plain Node, no packages:
// `node scripts/build.mjs --help`. An unchanged tree returns at once: a stamp holds a hash of every source,
// the libtorch and the options.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BuildError, locateLibtorch, minorOf } from './libtorch.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const help = `Usage: node scripts/build.mjs [options]

Builds build/Release/{opener.node, lm_resnet-MINOR.so, lm-check, lm-check-convolutions, lm-check-kernels} with CMake,
for the minor release of libtorch that it is built against: the one that a clone is developed with, else any that is
found.

  --check-only       build only the stand-alone check program: no Node headers needed
  --cuda             build only lm_cuda.so and lm_cuda_graphs-MINOR.so, kernels and graphs of CUDA devices: needs
                     nvcc, no device
  --nccl             build only lm_nccl-MINOR.so, sums of ranks on CUDA devices: needs the headers that
                     scripts/nccl.mjs fetches, no device
  --target LIST      build these CMake targets, such as opener,lm_resnet
  --out DIR          where the binaries go (default build/Release)
  --libtorch DIR     libtorch to build against (default: as found at run time)
  --minor X.Y        build against this minor release of libtorch
  --sanitize LIST    such as address,undefined; its own build folder
  --force            build even where nothing changed
  --quiet            print nothing unless it fails

Environment: LIBTORCH, LM_RESNET_LIBTORCH, CXX, CMAKE_BUILD_PARALLEL_LEVEL, LM_STATIC_CODECS (scripts/codecs.mjs).`;

/** How to get a missing tool: one line per kind of system. */
const howTo = `Debian, Ubuntu:  apt-get install g++ cmake ninja-build libjpeg-dev libpng-dev
Fedora:          dnf install gcc-c++ cmake ninja-build libjpeg-turbo-devel libpng-devel
macOS:           xcode-select --install && brew install cmake ninja jpeg-turbo libpng
A newer CMake than the system's: pip install cmake`;

/** Lets ccache serve sources that use a precompiled header, and those of another clone. */
export const compilerCache = {
  CCACHE_SLOPPINESS: 'pch_defines,time_macros,include_file_mtime,include_file_ctime',
  CCACHE_BASEDIR: root,
  CCACHE_NOHASHDIR: '1',
};

/** Runs the build. @returns {Promise<boolean>} whether anything was built. */
export async function build(options = {}) {
  const libtorch = await locateLibtorch(options.libtorch, options.minor);
  const plan = planBuild(options, libtorch.path);
  if (options.nccl) checkHeaders(libtorch.path);
  const hash = hashFiles(
    root,
    ['native', 'test/device/library', 'CMakeLists.txt'],
    JSON.stringify([libtorch.version, plan]),
  );
  const stamp = join(plan.folder, `.stamp-${options.target ?? 'all'}`);
  if (!options.force && isCurrent(stamp, hash, plan.products)) return false;
  rmSync(stamp, { force: true });
  forgetOtherAddons(plan);
  const ninja = checkTools();
  const quiet = { ...options, env: { ...compilerCache, ...process.env } };
  mkdirSync(plan.folder, { recursive: true });
  forgetOtherGenerator(plan.folder, ninja);
  await runQuietly(
    'cmake',
    ['-S', root, '-B', plan.folder, ...(ninja ? ['-G', 'Ninja'] : []), ...plan.defines],
    quiet,
  );
  const say = options.quiet ? () => {} : (text) => console.error(`native build: ${text}`);
  say(`compiling on ${jobs()} threads; the first time takes 2 to 6 minutes`);
  const args = ['--build', plan.folder, ...plan.targets, '--parallel', jobs()];
  await runQuietly('cmake', args, { ...quiet, onText: progressOf(say) });
  writeFileSync(stamp, hash);
  return true;
}

/** Tells how far Ninja ("[12/340] …") or make ("[ 3%] …") has come, at most every five seconds. */
export function progressOf(say, now = Date.now) {
  let told = now();
  return (text) => {
    const [, done, of] = [...text.matchAll(/^\[\s*(\d+)(?:\/(\d+)|%)\]/gm)].at(-1) ?? [];
    if (done === undefined || now() - told < 5000) return;
    told = now();
    say(of === undefined ? `${done} %` : `${done} of ${of} steps`);
  };
}

function planBuild(options, libtorch) {
  const { checkOnly, cuda, nccl, sanitize } = options;
  const kinds = [checkOnly && 'check', cuda && 'cuda', nccl && 'nccl', sanitize?.replaceAll(',', '-')];
  const kind = kinds.filter(Boolean).join('-');
  const minor = minorOf(libtorch);
  const out = resolve(options.out ?? join(root, 'build', options.sanitize ? `Release-${kind}` : 'Release'));
  const addon = `lm_resnet-${minor}.so`;
  const folder = join(root, 'build', kind === '' ? 'cmake' : `cmake-${kind}`);
  const hasTests = existsSync(join(root, 'test/device/library')); // a clone, not the published package
  const defines = [
    `-DLIBTORCH=${libtorch}`,
    `-DLM_OUT=${out}`,
    `-DLM_ADDON=${checkOnly || cuda || nccl ? 'OFF' : 'ON'}`,
    `-DLM_CUDA=${cuda ? 'ON' : 'OFF'}`,
    `-DLM_NCCL=${nccl ? headersFor(minor) : ''}`,
    `-DLM_TEST_DEVICE=${hasTests ? 'ON' : 'OFF'}`,
    `-DLM_SANITIZE=${options.sanitize ?? ''}`,
    `-DLM_STATIC_CODECS=${process.env.LM_STATIC_CODECS ?? ''}`,
    '-DCMAKE_BUILD_TYPE=Release',
    ...(checkOnly || cuda || nccl ? [] : [`-DNODE_API_INCLUDE=${nodeApiFolders().join(';')}`]),
  ];
  const checks = ['lm-check', ...(hasTests ? ['lm-check-convolutions', 'lm-check-kernels'] : [])];
  const tests = hasTests ? ['test/test_device.node'] : [];
  const all = checkOnly ? checks : [...checks, 'opener.node', addon, ...tests];
  const one = cuda
    ? ['lm_cuda,lm_cuda_graphs', 'lm_cuda.so', `lm_cuda_graphs-${minor}.so`]
    : nccl
      ? ['lm_nccl', `lm_nccl-${minor}.so`]
      : undefined;
  const target = one?.[0] ?? options.target;
  const names = one?.slice(1) ?? (target === undefined ? all : []);
  return {
    folder,
    defines,
    out,
    addon,
    products: names.map((name) => join(out, name)),
    targets: target === undefined ? [] : ['--target', ...target.split(',')],
  };
}

/** The headers of NCCL and CUDA, which scripts/nccl.mjs fetches for a minor release of libtorch. */
export const headersFor = (minor) => join(root, '.cache', 'nccl', minor, 'include');

function checkHeaders(libtorch) {
  const folder = headersFor(minorOf(libtorch));
  if (existsSync(join(folder, 'nccl.h'))) return;
  throw new BuildError(
    `No headers of NCCL in ${folder}. Fetch them: node scripts/nccl.mjs --minor ${minorOf(libtorch)}`,
  );
}

/** A folder has the addon of one minor release: another would be of older sources one day, and be loaded. */
function forgetOtherAddons({ out, addon }) {
  const names = existsSync(out) ? readdirSync(out) : [];
  const others = names.filter((name) => /^lm_resnet\b.*\.so$/.test(name) && name !== addon);
  for (const name of others) rmSync(join(out, name));
}

/** Resolved as packages, for npm may have put them above this one. */
function nodeApiFolders() {
  const require = createRequire(join(root, 'package.json'));
  const folderOf = (name) => dirname(require.resolve(`${name}/package.json`));
  return [folderOf('node-addon-api'), join(folderOf('node-api-headers'), 'include')];
}

function isCurrent(stamp, hash, products) {
  return (
    existsSync(stamp) && readFileSync(stamp, 'utf8') === hash && products.every((file) => existsSync(file))
  );
}

/** @returns {boolean} whether Ninja is there. */
function checkTools() {
  const missing = [cmakeProblem(), compilerProblem()].filter(Boolean);
  const ninja = version('ninja') !== null;
  if (!ninja && version('make') === null) missing.push('ninja or make');
  if (missing.length > 0)
    throw new BuildError(`Missing for the native build: ${missing.join('; ')}.\n${howTo}`);
  return ninja;
}

function cmakeProblem() {
  const found = version('cmake');
  if (found === null) return 'cmake >= 3.21';
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(found) ?? []).slice(1).map(Number);
  return major > 3 || (major === 3 && minor >= 21) ? null : `cmake >= 3.21 (found ${major}.${minor})`;
}

function compilerProblem() {
  const compiler = process.env.CXX || ['c++', 'g++', 'clang++'].find((name) => version(name) !== null);
  if (compiler === undefined) return 'a C++20 compiler';
  const [command, ...flags] = compiler.split(' ');
  const test = '#include <version>\n#if __cplusplus < 202002L\n#error C++20\n#endif\n';
  const args = [...flags, '-std=c++20', '-fsyntax-only', '-x', 'c++', '-'];
  const { status } = spawnSync(command, args, { input: test, stdio: ['pipe', 'ignore', 'ignore'] });
  return status === 0 ? null : `a C++20 compiler (${compiler} is not one)`;
}

function version(command) {
  const { status, stdout } = spawnSync(command, ['--version'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout : null;
}

/** CMake refuses a build folder that another generator, or a moved source tree, made. */
function forgetOtherGenerator(folder, ninja) {
  const cache = join(folder, 'CMakeCache.txt');
  if (!existsSync(cache)) return;
  const text = readFileSync(cache, 'utf8');
  const same = text.includes(`CMAKE_GENERATOR:INTERNAL=${ninja ? 'Ninja' : 'Unix Makefiles'}\n`);
  if (same && text.includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${root}\n`)) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

function jobs() {
  return process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? String(availableParallelism());
}

/** SHA-256 over names and contents of files and folders below `root`, and a text. */
export function hashFiles(root, paths, text = '') {
  const hash = createHash('sha256').update(text);
  for (const path of paths.flatMap((path) => listFiles(root, path))) {
    hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

/** Files below a folder, or the file itself, relative to `root`, sorted. */
export function listFiles(root, path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full)
    .sort()
    .flatMap((name) => listFiles(root, join(path, name)));
}

/**
 * Runs a program; its output, of which `onText` is told, is shown only when it fails. Rejects with the first
 * and last lines as the message.
 */
export function runQuietly(command, args, { cwd, env, onText = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (text) => {
      output += text;
      onText(text);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(output);
      reject(new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}:\n${excerpt(output)}`));
    });
  });
}

/** The first and last lines of a long output: npm puts the cause first, compilers often last. */
function excerpt(output) {
  const lines = output.trim().split('\n');
  return (lines.length <= 60 ? lines : [...lines.slice(0, 15), '…', ...lines.slice(-45)]).join('\n');
}

function readArguments() {
  const flag = { type: 'boolean' };
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: {
      'check-only': flag,
      cuda: flag,
      nccl: flag,
      force: flag,
      quiet: flag,
      help: flag,
      target: text,
      out: text,
      libtorch: text,
      minor: text,
      sanitize: text,
    },
  });
  return { ...values, checkOnly: values['check-only'] };
}

async function main() {
  const options = readArguments();
  if (options.help) return console.log(help);
  const start = performance.now();
  const built = await build(options);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (!options.quiet)
    console.log(built ? `native build: done in ${seconds} s` : 'native build: nothing changed');
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(
      `${error.code ? `${error.code}: ` : ''}${error.message}${error.hint ? `\n${error.hint}` : ''}`,
    );
    process.exitCode = error.exitCode ?? (error instanceof BuildError ? 5 : 1);
  });
}
