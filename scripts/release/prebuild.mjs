// Builds the binaries of this machine with static codecs into prebuilds/: the opener, and an addon for every
// minor release of libtorch that the sources are for. `npm run release:prebuild`; build/ is cleared, npm run
// bootstrap fills it again.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileTypeScript, obtainLibtorch } from '../bootstrap.mjs';
import { buildCodecs } from '../codecs.mjs';

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
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  compileTypeScript()
    .then(prebuild)
    .catch((error) => {
      console.error(error.stderr?.toString() || error.message);
      process.exitCode = 1;
    });
}
