// Builds libjpeg-turbo, libpng and zlib as static libraries for the prebuilt addon, which must not need those
// of a system: `LM_STATIC_CODECS=$(node scripts/codecs.mjs) node scripts/build.mjs --out DIR`. Development
// links the system's.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runQuietly } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache', 'codecs');
const prefix = join(cache, 'prefix');

const help = `Usage: node scripts/codecs.mjs

Builds the static codecs (CMake, a C compiler, nasm on x86) into .cache/codecs/prefix and prints that folder.

The source archives come from the first of these that has them, and are what their SHA-256 says in any case:
the place named by LM_CODEC_SOURCES (a folder, in which they have any name, or an address below which they are called
NAME-VERSION.tar.gz); where apt-get serves Debian, its source packages; the projects' own releases.`;

/**
 * In the order in which they need each other. The second hash of zlib is Debian's archive: upstream's without
 * what is for Windows.
 */
export const codecs = [
  {
    name: 'zlib',
    version: '1.3.1',
    debian: 'zlib=1:1.3.dfsg+really1.3.1-3',
    licences: ['LICENSE', 'README'],
    url: 'https://github.com/madler/zlib/releases/download/v1.3.1/zlib-1.3.1.tar.gz',
    sha256: [
      '9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23',
      '60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb',
    ],
    build: configureAndMake,
  },
  {
    name: 'libpng',
    version: '1.6.58',
    debian: 'libpng1.6=1.6.58-1',
    licences: ['LICENSE'],
    url: 'https://github.com/pnggroup/libpng/archive/refs/tags/v1.6.58.tar.gz',
    sha256: ['a9d4df463d36a6e5f9c29bd6f4967312d17e996c1854f3511f833924eb1993cf'],
    build: cmake,
    defines: [
      '-DPNG_SHARED=OFF',
      '-DPNG_TESTS=OFF',
      '-DPNG_TOOLS=OFF',
      `-DZLIB_LIBRARY=${join(prefix, 'lib', 'libz.a')}`,
      `-DZLIB_INCLUDE_DIR=${join(prefix, 'include')}`,
    ],
  },
  {
    name: 'libjpeg-turbo',
    version: '3.1.3',
    debian: 'libjpeg-turbo=1:3.1.3-4',
    licences: ['LICENSE.md', 'README.ijg'],
    url: 'https://github.com/libjpeg-turbo/libjpeg-turbo/archive/refs/tags/3.1.3.tar.gz',
    sha256: ['3a13a5ba767dc8264bc40b185e41368a80d5d5f945944d1dbaa4b2fb0099f4e5'],
    build: cmake,
    defines: [
      '-DENABLE_SHARED=OFF',
      '-DREQUIRE_SIMD=ON',
      '-DWITH_TURBOJPEG=OFF',
      '-DWITH_TOOLS=OFF',
      '-DWITH_TESTS=OFF',
    ],
  },
];

/** Builds what is not built yet. @returns {Promise<string>} the folder with include/ and lib/. */
export async function buildCodecs() {
  const stamp = join(prefix, '.stamp');
  const wanted = JSON.stringify(codecs);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return prefix;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  for (const codec of codecs) await buildOne(codec);
  rmSync(join(cache, 'apt'), { recursive: true, force: true });
  writeFileSync(stamp, wanted);
  return prefix;
}

async function buildOne(codec) {
  const source = join(cache, `${codec.name}-${codec.version}`);
  const archive = `${source}.tar.gz`;
  writeFileSync(archive, await obtain(codec));
  mkdirSync(source);
  await runQuietly('tar', ['-xzf', archive, '-C', source, '--strip-components=1']);
  await codec.build(source, codec);
}

/** What the licence of each codec asks to be handed on with it. Needs a finished build. */
export function codecLicences() {
  return codecs.map(({ name, version, licences }) => ({
    name,
    version,
    text: licences.map((file) => readFileSync(join(cache, `${name}-${version}`, file), 'utf8')).join('\n'),
  }));
}

async function cmake(source, { defines }) {
  const folder = join(source, 'build');
  const all = [
    '-DCMAKE_BUILD_TYPE=Release',
    '-DCMAKE_POSITION_INDEPENDENT_CODE=ON',
    '-DCMAKE_INSTALL_LIBDIR=lib',
    `-DCMAKE_INSTALL_PREFIX=${prefix}`,
    ...defines,
  ];
  await runQuietly('cmake', ['-S', source, '-B', folder, ...all]);
  await runQuietly('cmake', ['--build', folder, '--parallel']);
  await runQuietly('cmake', ['--install', folder]);
}

/** zlib's CMake files always make the shared library as well. */
async function configureAndMake(source) {
  const options = { cwd: source, env: { ...process.env, CFLAGS: '-O3 -fPIC' } };
  await runQuietly('sh', ['configure', '--static', `--prefix=${prefix}`], options);
  await runQuietly('make', ['install'], options);
}

async function obtain(codec) {
  const place = process.env.LM_CODEC_SOURCES;
  const archive = place ? await fromPlace(codec, place) : await fromDistribution(codec);
  const bytes = archive ?? (place ? undefined : await download(codec.url));
  if (bytes === undefined) throw new Error(`${place} has no archive of ${codec.name} ${codec.version}`);
  if (isExpected(codec, bytes)) return bytes;
  throw new Error(`The archive of ${codec.name} is not the expected one (SHA-256)`);
}

async function fromPlace(codec, place) {
  if (!existsSync(place)) return download(`${place}/${codec.name}-${codec.version}.tar.gz`);
  return archiveIn(place, codec);
}

function archiveIn(folder, codec) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(folder, entry.name)))
    .find((bytes) => isExpected(codec, bytes));
}

/**
 * The archive of Debian's source package, by apt-get with lists of its own: the system's settings stay.
 * Undefined where there is no Debian.
 */
async function fromDistribution(codec) {
  const mirror = debianMirror();
  if (mirror === undefined) return undefined;
  const folder = join(cache, 'apt');
  if (!existsSync(folder)) await updateLists(folder, mirror);
  const args = [...ownLists(folder), 'source', '--download-only', codec.debian];
  await runQuietly('apt-get', args, { cwd: folder }).catch((error) =>
    console.error(`${codec.debian}: ${error.message.split('\n').at(-1)}`),
  );
  return archiveIn(folder, codec);
}

/** Address from which apt-get takes this Debian. */
function debianMirror() {
  const args = ['indextargets', '--format', '$(ORIGIN) $(LABEL) $(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = spawnSync('apt-get', args, { encoding: 'utf8' });
  return /^Debian Debian (\S+)$/m.exec(stdout ?? '')?.[1];
}

async function updateLists(folder, mirror) {
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true });
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const lines = ['trixie', 'sid'].map((suite) => `deb-src [signed-by=${key}] ${mirror} ${suite} main\n`);
  writeFileSync(join(folder, 'sources.list'), lines.join(''));
  await runQuietly('apt-get', [...ownLists(folder), 'update', '-qq'], { cwd: folder });
}

function ownLists(folder) {
  return [
    `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Cache=${folder}`,
  ].flatMap((setting) => ['-o', setting]);
}

async function download(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return Buffer.from(await response.arrayBuffer());
}

function isExpected(codec, bytes) {
  return codec.sha256.includes(createHash('sha256').update(bytes).digest('hex'));
}

async function main() {
  const { values } = parseArgs({ options: { help: { type: 'boolean' } } });
  console.log(values.help ? help : await buildCodecs());
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
