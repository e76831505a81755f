// Licences of everything whose code is inside a prebuilt binary: the codecs that are linked in, and the
// headers whose inline functions are compiled in.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { obtainLibtorch } from '../bootstrap.mjs';
import { buildCodecs, codecLicences } from '../codecs.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** @returns {Promise<string>} the text of THIRD-PARTY-LICENSES.txt. */
export async function notices(minors) {
  await buildCodecs();
  const npm = ['node-addon-api', 'node-api-headers'].map(npmLicence);
  const parts = [...codecLicences(), ...npm, ...(await libtorchLicences(minors)), cudaRuntime];
  const intro =
    'The binaries of lm-resnet contain code of the following. They use libtorch, libstdc++, libgcc and glibc of the\nmachine, which are not part of this package.\n';
  return [intro, ...parts.map(section)].join('\n');
}

/** What nvcc links into lm_cuda.so. */
const cudaRuntime = {
  name: 'CUDA runtime (in lm_cuda.so and the headers of lm_nccl, where they are there)',
  version: '13',
  text: 'Copyright NVIDIA Corporation. Redistributed as part of this application under the CUDA Toolkit End User License\nAgreement, attachment A: https://docs.nvidia.com/cuda/eula',
};

const section = ({ name, version, text }) =>
  `${'='.repeat(78)}\n${name} ${version}\n${'='.repeat(78)}\n\n${text.trim()}\n`;

function npmLicence(name) {
  const folder = dirname(createRequire(join(root, 'package.json')).resolve(`${name}/package.json`));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE.md', 'LICENSE'].map((file) => join(folder, file)).find((file) => existsSync(file));
  return { name, version, text: readFileSync(file, 'utf8') };
}

/** One section for all minor releases with the same text. */
async function libtorchLicences(minors) {
  const all = [];
  for (const minor of minors) all.push(await libtorchLicence(minor));
  const texts = [...new Set(all.map(({ text }) => text))];
  return texts.map((text) => {
    const versions = all.filter((licence) => licence.text === text).map(({ version }) => version);
    return { name: 'libtorch (headers)', version: versions.join(', '), text };
  });
}

/**
 * A wheel has it beside the folder of libtorch, which is installed where it is missing: whoever packs the
 * binaries of other machines has not built with it.
 */
async function libtorchLicence(minor) {
  const { path, version } = (await obtainLibtorch(minor, (text) => console.error(text))).libtorch;
  const [info] = readdirSync(dirname(path)).filter((name) => /^torch-.*\.dist-info$/.test(name));
  if (info === undefined) throw new Error(`No licence of libtorch beside ${path}: build against a wheel's`);
  const text = readFileSync(join(dirname(path), info, 'licenses', 'LICENSE'), 'utf8');
  return { version, text };
}
