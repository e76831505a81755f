// Licences of everything whose code is inside a prebuilt binary: the codecs that are linked in, and the
// headers whose inline functions are compiled in.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locateLibtorch } from '../build.mjs';
import { buildCodecs, codecLicences } from '../codecs.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** @returns {Promise<string>} the text of THIRD-PARTY-LICENSES.txt. */
export async function notices() {
  await buildCodecs();
  const npm = ['node-addon-api', 'node-api-headers'].map(npmLicence);
  const parts = [...codecLicences(), ...npm, await libtorchLicence()];
  const intro =
    'The binaries of lm-resnet contain code of the following. They use libtorch, libstdc++, libgcc and glibc of the\nmachine, which are not part of this package.\n';
  return [intro, ...parts.map(section)].join('\n');
}

const section = ({ name, version, text }) =>
  `${'='.repeat(78)}\n${name} ${version}\n${'='.repeat(78)}\n\n${text.trim()}\n`;

function npmLicence(name) {
  const folder = dirname(createRequire(join(root, 'package.json')).resolve(`${name}/package.json`));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE.md', 'LICENSE'].map((file) => join(folder, file)).find((file) => existsSync(file));
  return { name, version, text: readFileSync(file, 'utf8') };
}

/** A wheel has it beside the folder of libtorch. */
async function libtorchLicence() {
  const { path, version } = await locateLibtorch();
  const [info] = readdirSync(dirname(path)).filter((name) => /^torch-.*\.dist-info$/.test(name));
  if (info === undefined) throw new Error(`No licence of libtorch beside ${path}: build against a wheel's`);
  const text = readFileSync(join(dirname(path), info, 'licenses', 'LICENSE'), 'utf8');
  return { name: 'libtorch (headers)', version, text };
}
