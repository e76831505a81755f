// Carries out examples/Dockerfile line by line in an empty root (Debian by debootstrap, Node as npm has it),
// and asks the service that comes of it. Needs root and debootstrap; no builder of images. The packages come
// from their tarballs, everything else from where it comes for users.
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { obtainNode } from '../proof/nodes.mjs';
import { carryOut, readStages } from './dockerfile.mjs';
import { openRegistry } from './registry.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const help = `Usage: node scripts/container/check.mjs --packages DIR

Builds examples/Dockerfile in an empty root and uses the service. Takes a few minutes, 3 GB of disk below the folder
for temporary files, root and debootstrap.

  --packages DIR   tarballs of npm run release:pack -- --out DIR`;

const key = 'secret';
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Certificates of this machine, where it needs its own for the registries; only while the image is made. */
const certificates = [process.env.NODE_EXTRA_CA_CERTS, process.env.SSL_CERT_FILE].find(
  (file) => file !== undefined && existsSync(file),
);

async function check(packages) {
  const world = mkdtempSync(join(tmpdir(), 'lm-resnet-container-'));
  const registry = await openRegistry(resolve(packages));
  try {
    const stages = readStages(readFileSync(join(root, 'examples', 'Dockerfile'), 'utf8'));
    const context = await makeContext(join(world, 'context'));
    const { image, roots } = await makeImage(stages, { world, context, registry: registry.url });
    const folder = roots.at(-1);
    expectNoPython(folder);
    for (const path of ['/opt/lm-resnet', '/app']) console.log(`${path}: ${sizeOf(join(folder, path))}`);
    await useService(folder, image);
  } finally {
    registry.close();
    rmSync(world, { recursive: true, force: true });
  }
}

/** What lies beside the Dockerfile: a checkpoint. */
async function makeContext(folder) {
  mkdirSync(folder);
  const { createModel } = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);
  const model = await createModel('lm_resnet20', { classes: 10, input: [1, 28, 28], seed: 1 });
  await model.save(join(folder, 'model.safetensors'));
  await model.close();
  return folder;
}

async function makeImage(stages, { world, context, registry }) {
  const roots = [];
  const named = {};
  let image;
  for (const { from, name, steps } of stages) {
    const folder = join(world, `root-${roots.length}`);
    execFileSync('cp', ['-a', baseImage(from, world), folder]);
    const run = (text, state) => build(folder, text, state, registry);
    image = await carryOut(steps, { root: folder, context, stages: named, run });
    roots.push(folder);
    named[name] = folder;
  }
  return { image, roots };
}

/** A folder with what node:MAJOR-RELEASE-slim has: Debian's smallest system, Node, npm, a user "node". */
function baseImage(from, world) {
  const [, major, release] = /^node:(\d+)-(\w+)-slim$/.exec(from);
  const folder = join(world, `base-${major}-${release}`);
  if (existsSync(folder)) return folder;
  console.log(`FROM ${from}: Debian by debootstrap`);
  execFileSync('debootstrap', ['--variant=minbase', release, folder], { stdio: 'pipe' });
  const local = join(folder, 'usr', 'local');
  cpSync(obtainNode(major), join(local, 'bin', 'node'));
  const npm = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  cpSync(join(npm, 'npm'), join(local, 'lib', 'node_modules', 'npm'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const name of ['npm', 'npx']) {
    execFileSync('ln', ['-s', `../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name)]);
  }
  execFileSync('chroot', [folder, '/usr/sbin/useradd', '--create-home', '--uid', '1000', 'node']);
  writeFileSync(join(folder, 'etc', 'hosts'), '127.0.0.1 localhost\n');
  return folder;
}

/** A line of shell, with this machine's network; the registry in this process answers meanwhile. */
async function build(folder, text, state, registry) {
  const certificate = '/lm-resnet-builder.crt';
  cpSync('/etc/resolv.conf', join(folder, 'etc', 'resolv.conf'), { dereference: true });
  if (certificates !== undefined) cpSync(certificates, join(folder, certificate), { dereference: true });
  const trusted = { PIP_CERT: certificate, NODE_EXTRA_CA_CERTS: certificate, npm_config_cafile: certificate };
  const env = { ...state.env, npm_config_registry: registry, ...(certificates === undefined ? {} : trusted) };
  const words = inside(folder, { ...state, env }, ['/bin/sh', '-c', text]);
  const { stdout } = await execute('unshare', [...namespaces, ...words], { maxBuffer: 2 ** 28 });
  rmSync(join(folder, certificate), { force: true });
  console.log(stdout.trim().replace(/^(?=.)/gm, '  '));
}

const execute = promisify(execFile);

const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];

/** Words of a program in a root: the first process of its own, with /proc and /dev, and nothing of ours. */
function inside(folder, { env, cwd, user }, command, before = '') {
  const mounts = `${before}mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec "$@"`;
  return ['sh', '-c', mounts, folder, ...entered(folder, { env, cwd, user }, command)];
}

function entered(folder, { env, cwd, user }, command) {
  const settings = Object.entries({
    PATH: searchPath,
    HOME: user === 'root' ? '/root' : `/home/${user}`,
    ...env,
  });
  const words = settings.map(([name, value]) => `${name}=${value}`);
  return [
    'chroot',
    `--userspec=${user}:${user}`,
    folder,
    'env',
    '-i',
    `--chdir=${cwd}`,
    ...words,
    ...command,
  ];
}

function expectNoPython(folder) {
  const { status } = spawnSync('chroot', [folder, 'sh', '-c', 'command -v python3 || command -v pip']);
  if (status === 0) throw new Error('Python was left in the image');
}

const sizeOf = (path) =>
  `${execFileSync('du', ['-s', '--block-size=1MB', path], { encoding: 'utf8' }).split('\t')[0]} MB`;

/** Runs the command of the image in a network of its own, and asks it as a client beside it would. */
async function useService(folder, image) {
  const env = { ...image.env, LM_RESNET_API_KEY: key };
  const words = inside(folder, { ...image, env }, image.command, 'ip link set lo up && ');
  const service = spawn('unshare', ['--net', ...namespaces, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [service.stdout, service.stderr]) stream.on('data', (text) => (output += text));
  const exit = once(service, 'exit');
  const ask = (command, user = image.user) => {
    const place = entered(folder, { ...image, env, user }, command);
    return spawnSync('nsenter', ['--target', firstProcess(service.pid), '--net', '--mount', ...place], {
      encoding: 'utf8',
    });
  };
  try {
    await untilHealthy(() => ask(['/bin/sh', '-c', image.health]).status === 0, service);
    console.log(`as ${image.user}: healthy`);
    for (const [given, wanted] of [
      [undefined, /^401 /],
      ['wrong', /^401 /],
      [key, /^200 .*"label":"\d"/],
    ]) {
      const { stdout, stderr } = ask(['node', '-e', request(given)]);
      if (!wanted.test(stdout))
        throw new Error(`With the key ${given}: expected ${wanted} but got ${stdout}${stderr}`);
      console.log(`POST /classify with the key ${given}: ${stdout.trim().slice(0, 90)}`);
    }
    process.kill(Number(firstProcess(service.pid)), 'SIGTERM');
    const [code] = await exit;
    if (code !== 0) throw new Error(`SIGTERM: expected the exit code 0 but got ${code}`);
    console.log('SIGTERM: exit 0');
  } catch (error) {
    throw new Error(`${error.message}\n${output}`);
  } finally {
    service.kill('SIGKILL');
  }
}

async function untilHealthy(isHealthy, service) {
  for (let tries = 0; tries < 60; tries++) {
    if (service.exitCode !== null) throw new Error(`The service ended with ${service.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (isHealthy()) return;
  }
  throw new Error('The health check did not succeed within 60 tries');
}

/** The process behind unshare: the first one of the service. */
function firstProcess(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
}

const request = (given) => `
const body = Buffer.concat([Buffer.from('P5 28 28 255\\n'), Buffer.alloc(784, 128)]);
const headers = ${JSON.stringify(given === undefined ? {} : { authorization: `Bearer ${given}` })};
fetch('http://127.0.0.1:8000/classify', { method: 'POST', body, headers })
  .then(async (response) => console.log(response.status, await response.text()));`;

const { values } = parseArgs({ options: { help: { type: 'boolean' }, packages: { type: 'string' } } });
if (values.help) {
  console.log(help);
} else if (values.packages === undefined) {
  console.error(`Expected --packages but received none\n\n${help}`);
  process.exitCode = 1;
} else {
  await check(values.packages).catch((error) => {
    console.error(error.stderr?.toString() || error.message);
    process.exitCode = 1;
  });
}
