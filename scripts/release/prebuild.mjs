// Builds the binaries of this machine with static codecs into prebuilds/: the opener, an addon for every
// minor release of libtorch that the sources are for, the kernels of CUDA devices where nvcc is, and the
// library of NCCL for each libtorch where pip can have its headers.
// `npm run release:prebuild`; build/ is cleared, npm run bootstrap fills it again.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileTypeScript, obtainLibtorch } from '../bootstrap.mjs';
import { build } from '../build.mjs';
import { buildCodecs } from '../codecs.mjs';
import { fetchHeaders } from '../nccl.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** @returns {Promise<readonly string[]>} the minor releases, as the sources have them; dist must be built. */
export async function carriedMinors() {
  return (await import(pathToFileURL(join(root, 'dist', 'setup', 'releases.js')).href)).libtorchMinors;
}

export async function prebuild() {
  const codecs = await buildCodecs();
  rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
  for (const minor of await carriedMinors()) {
    const start = performance.now();
    const { libtorch } = await obtainLibtorch(minor, (text) => console.error(text));
    const env = { ...process.env, LM_STATIC_CODECS: codecs, LM_RESNET_LIBTORCH: libtorch.path };
    const options = { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 28 };
    execFileSync(process.execPath, [join(root, 'scripts', 'node-tools.mjs'), 'prebuildify'], options);
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(`prebuilt for libtorch ${libtorch.version} in ${seconds} s`);
    console.log(await prebuildCuda(minor, libtorch.path));
    console.log(await prebuildNccl(minor, libtorch.path));
  }
}

/**
 * The kernels, for every libtorch, and the graphs for this one. Without them libtorch's own functions serve,
 * and steps are not captured.
 */
async function prebuildCuda(minor, libtorch) {
  const names = ['lm_cuda.so', `lm_cuda_graphs-${minor}.so`];
  if (spawnSync('nvcc', ['--version']).status !== 0) return `no nvcc: ${names.join(' and ')} are left out`;
  await build({ cuda: true, quiet: true, libtorch });
  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  for (const name of names) copyFileSync(join(root, 'build', 'Release', name), join(folder, name));
  return `prebuilt ${names.join(' and ')}`;
}

/** Without it several ranks cannot train on CUDA devices, and say so. */
async function prebuildNccl(minor, libtorch) {
  try {
    await fetchHeaders(minor);
  } catch ({ message }) {
    return `no headers of NCCL: lm_nccl-${minor}.so is left out (${message.split('\n').at(-1)})`;
  }
  await build({ nccl: true, quiet: true, libtorch });
  const name = `lm_nccl-${minor}.so`;
  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  copyFileSync(join(root, 'build', 'Release', name), join(folder, name));
  return `prebuilt ${name}`;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  compileTypeScript()
    .then(prebuild)
    .catch((error) => {
      console.error(error.stderr?.toString() || error.message);
      process.exitCode = 1;
    });
}
