// Formats the C++ sources with the pinned clang-format; `--check` only looks. The tool comes from PyPI into
// .cache/ of this clone.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const version = '23.1.5';
const folder = join(root, '.cache', `clang-format-${version}`);
const tool = join(folder, 'bin', 'clang-format');

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (error) throw error;
  return status ?? 1;
}

function install() {
  if (existsSync(tool)) return;
  if (run('python3', ['-m', 'venv', folder]) !== 0)
    throw new Error('python3 -m venv failed: install python3-venv');
  const pip = join(folder, 'bin', 'pip');
  if (run(pip, ['install', '--quiet', '--disable-pip-version-check', `clang-format==${version}`]) !== 0)
    throw new Error(`pip could not install clang-format ${version}`);
}

install();
const sources = ['native', 'test/device/library'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(cc|h)$/.test(file))
    .map((file) => join(root, folder, file)),
);
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
process.exitCode = run(tool, [...mode, ...sources]);
