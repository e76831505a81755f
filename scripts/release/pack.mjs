// Builds, verifies and writes the tarballs that are published: `npm run release:pack -- --out DIR`. One for
// every platform whose binaries lie in prebuilds/, and the main one, which names exactly those.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeApi } from '../api.mjs';
import { compileTypeScript } from '../bootstrap.mjs';
import { listFiles } from '../build.mjs';
import { binariesIn, floorsOf } from './binary.mjs';
import { bundle } from './bundle.mjs';
import { notices } from './notices.mjs';
import { packageOf, platforms } from './platforms.mjs';
import { carriedMinors, prebuild } from './prebuild.mjs';
import { sbom } from './sbom.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const help = `Usage: npm run release:pack -- --out DIR [--prebuilt]

Builds the binaries of this machine into prebuilds/, with static codecs and for every minor release of libtorch (build/
is cleared; npm run bootstrap fills it again), verifies them, and writes a tarball for every platform in prebuilds/ and
the main one.

  --out DIR     where the tarballs go
  --prebuilt    take prebuilds/ as it is, as the release workflow brings it from several machines`;

/** @returns {Promise<{ file: string, size: number, unpacked: number }[]>} the tarballs, main one last. */
export async function pack({ out, prebuilt = false }) {
  await compileTypeScript();
  refuseBare(writeApi());
  if (!prebuilt) await prebuild();
  const names = Object.keys(platforms).filter((name) => existsSync(join(root, 'prebuilds', name)));
  if (names.length === 0) {
    throw new Error(
      'No prebuilt binary in prebuilds/: nothing is packed. Leave out --prebuilt to build one.',
    );
  }
  mkdirSync(out, { recursive: true });
  const staging = mkdtempSync(join(tmpdir(), 'lm-resnet-pack-'));
  try {
    const minors = await carriedMinors();
    const shared = { notices: await notices(minors), minors };
    const parts = names.map((name) => stagePlatform(name, join(staging, name), shared));
    const folders = [...parts, await stageMain(names, join(staging, 'main'))];
    writeJson(join(out, `lm-resnet-${ownPackage().version}.cdx.json`), sbom());
    return folders.map((folder) => npmPack(folder, out));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function refuseBare(names) {
  if (names.length > 0) throw new Error(`Exports without a doc comment: ${names.join(', ')}`);
}

function stagePlatform(name, folder, { notices, minors }) {
  const { proven: _, ...where } = platforms[name];
  const source = join(root, 'prebuilds', name);
  const files = binariesIn(source, minors);
  const floors = where.os === 'linux' ? floorsOf(files) : {};
  for (const file of listFiles(root, join('prebuilds', name))) copy(file, folder);
  const { version, license } = ownPackage();
  writeJson(join(folder, 'package.json'), {
    name: packageOf(name),
    version,
    description: `Native binaries of lm-resnet for ${name}: installed with it, of no use alone.`,
    license,
    type: 'commonjs',
    os: [where.os],
    cpu: [where.cpu],
    ...(where.libc === undefined ? {} : { libc: [where.libc] }),
    preferUnplugged: true,
    ...repositoryOf(),
    files: ['prebuilds', 'THIRD-PARTY-LICENSES.txt'],
    exports: { './package.json': './package.json' },
    needs: floors,
  });
  copy('LICENSE', folder);
  writeFileSync(
    join(folder, 'README.md'),
    `# ${packageOf(name)}\n\nNative binaries of lm-resnet ${version} for ${name}. Install \`lm-resnet\`, which brings them.\n`,
  );
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), notices);
  return folder;
}

async function stageMain(names, folder) {
  const { devDependencies: _, scripts: __, files, ...rest } = ownPackage();
  for (const path of publishedFiles()) copy(path, folder);
  await bundle(join(folder, 'dist'));
  const optionalDependencies = Object.fromEntries(names.map((name) => [packageOf(name), rest.version]));
  writeJson(join(folder, 'package.json'), { ...rest, ...repositoryOf(), files, optionalDependencies });
  return folder;
}

/**
 * The repository whose workflow packs: npm refuses a provenance that names another one than the package does.
 * A clone elsewhere has no address of its own, and packs without.
 */
export function repositoryOf({ GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env) {
  if (server === undefined || name === undefined) return {};
  return { repository: { type: 'git', url: `git+${server}/${name}.git` } };
}

/** As `files` in package.json has it: npm reads that better than we would. */
function publishedFiles() {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const stdio = ['ignore', 'pipe', 'pipe'];
  const [{ files }] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio }));
  return files.map(({ path }) => path).filter((path) => path !== 'package.json');
}

function ownPackage() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
}

function copy(path, folder) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  cpSync(join(root, path), join(folder, path));
}

function writeJson(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

function npmPack(folder, out) {
  const text = execFileSync('npm', ['pack', '--json', '--pack-destination', out], {
    cwd: folder,
    encoding: 'utf8',
  });
  const [{ filename, size, unpackedSize }] = JSON.parse(text);
  return { file: join(out, filename), size, unpacked: unpackedSize };
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;

async function main() {
  const { values } = parseArgs({
    options: { help: { type: 'boolean' }, out: { type: 'string' }, prebuilt: { type: 'boolean' } },
  });
  if (values.help) return console.log(help);
  if (values.out === undefined) throw new Error(`Expected --out but received none\n\n${help}`);
  for (const { file, size, unpacked } of await pack({ ...values, out: resolve(values.out) })) {
    console.log(`${file}  ${megabytes(size)} packed, ${megabytes(unpacked)} unpacked`);
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error.stderr?.toString() || error.message);
    process.exitCode = 1;
  });
}
