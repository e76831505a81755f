// The headers that lm_nccl-MINOR.so is built with: those of NCCL in the release that libtorch names, and
// CUDA's. pip brings them, each file known by its SHA-256; nothing of them is installed anywhere else.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { headersFor, runQuietly } from './build.mjs';
import { BuildError, developmentMinor } from './libtorch.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const help = `Usage: node scripts/nccl.mjs [--minor X.Y]

Fetches the headers of NCCL and CUDA that \`node scripts/build.mjs --nccl\` needs for a minor release of libtorch
(default ${developmentMinor}) with pip, about 200 MB, and prints their folder. No device is needed.`;

/** What CUDA's own headers include, beside what libtorch is installed with, by CUDA's release. */
const beside = {
  '13.0': `nvidia-cuda-crt==13.0.88 \\
    --hash=sha256:2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4
nvidia-cuda-cccl==13.0.85 \\
    --hash=sha256:e0da7ad981f3a8aff08241b5bfc1af868742a63e2762f53a5171c492ef242649
`,
  13.2: `nvidia-cuda-crt==13.2.86 \\
    --hash=sha256:e3ab08801bf9b1e6dc979275d25e816bb5000521b648e19c324d5eef0c79f1da
nvidia-cuda-cccl==13.2.86 \\
    --hash=sha256:35da671cf0cecd3539da214a11bb8e7634366c9e950da9c5feecf6c490a65b20
`,
};

/** Fetches the headers where they are not there yet. @returns {Promise<string>} their folder. */
export async function fetchHeaders(minor) {
  const folder = headersFor(minor);
  const place = dirname(folder);
  const wanted = requirements(minor);
  const stamp = join(place, createHash('sha256').update(wanted).digest('hex'));
  if (existsSync(stamp)) return folder;
  rmSync(place, { recursive: true, force: true });
  const scratch = join(place, 'scratch');
  mkdirSync(scratch, { recursive: true });
  mkdirSync(folder);
  const file = join(place, 'requirements.txt');
  writeFileSync(file, wanted);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-user'];
  const bounded = ['--no-input', '--retries', '0', '--timeout', '15']; // without a network it is left out soon
  await runQuietly('python3', [...pip, ...bounded, '--require-hashes', '--target', scratch, '-r', file]);
  for (const from of ['nccl', 'cu13'].map((name) => join(scratch, 'nvidia', name, 'include')))
    for (const name of readdirSync(from)) renameSync(join(from, name), join(folder, name));
  rmSync(scratch, { recursive: true });
  writeFileSync(stamp, '');
  return folder;
}

/** The lines of what CUDA builds of libtorch are installed with that have headers of ours. */
function requirements(minor) {
  const folder = join(root, 'requirements', `${process.platform}-${process.arch}`);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const name = names.find((name) => name.startsWith(`torch-${minor}.`) && name.endsWith('-cuda.txt'));
  if (name === undefined)
    throw new BuildError(
      `No release of NCCL is known for libtorch ${minor} on ${process.platform}-${process.arch}`,
    );
  const text = readFileSync(join(folder, name), 'utf8');
  const cuda = /^nvidia-cuda-runtime==(\d+\.\d+)/m.exec(text)[1];
  return [...text.matchAll(/^nvidia-(?:nccl-cu13|cuda-runtime)==.*\n.*\n/gm)].join('') + beside[cuda];
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const flags = { minor: { type: 'string' }, help: { type: 'boolean' } };
  const { values } = parseArgs({ options: flags });
  if (values.help) console.log(help);
  else
    fetchHeaders(values.minor ?? developmentMinor).then(console.log, ({ message }) => {
      console.error(message);
      process.exitCode = 1;
    });
}
