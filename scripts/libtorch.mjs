// Which libtorch a build is against. Plain Node, no packages.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export class BuildError extends Error {
  code = 'ERR_PREREQUISITE';
}

/** Minor release of libtorch that a clone is developed with: reference values of its tests are of that. */
export const developmentMinor = '2.13';

/**
 * The folder given; else the first libtorch of a minor release; else what the package finds at run time (dist
 * must be built), that of the development before another; else the environment.
 */
export async function locateLibtorch(given, minor) {
  const finder = join(root, 'dist/setup/libtorch.js');
  if (existsSync(finder)) return find(await import(pathToFileURL(finder).href), given, minor);
  const folder = given ?? (process.env.LM_RESNET_LIBTORCH || process.env.LIBTORCH);
  if (folder) return { path: resolve(folder), version: null };
  throw new BuildError(
    'No libtorch: set LIBTORCH to its folder, or compile TypeScript first so that it can be found',
  );
}

async function find({ findLibtorch, libtorchCandidates }, given, minor) {
  const { libtorchMinors } = await import(pathToFileURL(join(root, 'dist/setup/releases.js')).href);
  if (given || (!minor && (process.env.LM_RESNET_LIBTORCH || process.env.LIBTORCH))) {
    return findLibtorch({ libtorch: given, minors: libtorchMinors });
  }
  const minors = [minor ?? developmentMinor];
  const found = libtorchCandidates({ minors }).find(({ libtorch }) => libtorch !== null)?.libtorch;
  if (found) return found;
  return findLibtorch({ minors: minor ? minors : libtorchMinors });
}

/** Minor release of a libtorch by its headers, as CMakeLists.txt has it. */
export function minorOf(libtorch) {
  const file = join(libtorch, 'include', 'torch', 'headeronly', 'version.h');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const [major, minor] = ['MAJOR', 'MINOR'].map(
    (part) => new RegExp(`define TORCH_VERSION_${part} (\\d+)`).exec(text)?.[1],
  );
  if (minor === undefined) throw new BuildError(`No headers of libtorch in ${libtorch}`);
  return `${major}.${minor}`;
}
