// Runs the build tools of the Node world over CMakeLists.txt, with the headers of the Node that runs this, so
// that none are downloaded.
//   node scripts/node-tools.mjs cmake-js       build/Release, by cmake-js
//   node scripts/node-tools.mjs node-gyp       build/Release, by way of binding.gyp
//   node scripts/node-tools.mjs prebuildify    prebuilds/<platform>-<arch>/{opener.node, lm_resnet-MINOR.so}
// The last two clear build/ first; the next bootstrap fills it again.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compilerCache } from './build.mjs';
import { locateLibtorch } from './libtorch.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The opener keeps its name: node-gyp-build takes the one `.node` there is, and the addon (`.so`) is copied
 * beside it.
 */
const programs = {
  'cmake-js': async () => [
    'cmake-js',
    'build',
    '--out',
    'build/cmake-js',
    `--CDLIBTORCH=${(await locateLibtorch()).path}`,
  ],
  'node-gyp': async () => ['node-gyp', 'rebuild'],
  prebuildify: async () => [
    'prebuildify',
    '--napi',
    '--strip',
    '--name',
    'opener',
    '--target',
    process.version.slice(1),
  ],
};

function withHeaders(env) {
  const nodedir = dirname(dirname(process.execPath));
  if (!existsSync(join(nodedir, 'include', 'node', 'common.gypi'))) return env;
  return { ...env, npm_config_nodedir: nodedir, npm_package_config_node_gyp_nodedir: nodedir };
}

const [name, ...rest] = process.argv.slice(2);
const program = programs[name];
if (program === undefined) {
  console.error(`Usage: node scripts/node-tools.mjs ${Object.keys(programs).join('|')}`);
  process.exit(2);
}
const [command, ...args] = await program();
const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`;
const env = withHeaders({ ...compilerCache, ...process.env, PATH: path });
process.exitCode = spawnSync(command, [...args, ...rest], { cwd: root, env, stdio: 'inherit' }).status ?? 1;
