// What a prebuilt binary asks of a machine, read from its symbols, and what it must not ask.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';

/** All that a binary may need from outside: libtorch is the user's, and its C++ library is to be ours too. */
const allowed =
  /^(libtorch_cpu|libtorch_cuda|libc10|libstdc\+\+|libgcc_s|libm|libc|libdl|libpthread|librt|ld-linux[\w-]*)\.so/;

/**
 * The opener of a folder, the addon for each minor release of libtorch, and what CUDA devices have (their
 * kernels, and the libraries of graphs and of NCCL for each of these releases) if it is there. Fails where an
 * addon or the opener is missing.
 */
export function binariesIn(folder, minors) {
  const names = ['opener.node', ...minors.map((minor) => `lm_resnet-${minor}.so`)];
  const files = names.map((name) => join(folder, name));
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0) throw new Error(`No prebuilt binary: ${missing.join(', ')}`);
  const more = ['lm_cuda_graphs', 'lm_nccl'].flatMap((name) => minors.map((minor) => `${name}-${minor}.so`));
  return [
    ...files,
    ...['lm_cuda.so', ...more].map((name) => join(folder, name)).filter((file) => existsSync(file)),
  ];
}

/**
 * Oldest C and C++ library on which the binaries load, from the versions of the symbols that they import.
 * Linux only. Fails for a binary that is not stripped, needs another library, or shows a codec to others.
 *
 * @returns {{ glibc: string, glibcxx: string }}
 */
export function floorsOf(files) {
  for (const file of files) refuse(file);
  const imported = files.map((file) => read('objdump', ['-T', file])).join('\n');
  return { glibc: newest(imported, 'GLIBC'), glibcxx: newest(imported, 'GLIBCXX') };
}

function refuse(file) {
  const needed = [...read('readelf', ['-d', file]).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
  const foreign = needed.filter((name) => !allowed.test(name));
  if (foreign.length > 0)
    throw new Error(`${basename(file)} needs ${foreign.join(', ')}, which a machine may lack`);
  if (/ \.symtab /.test(read('readelf', ['-S', '-W', file])))
    throw new Error(`${basename(file)} is not stripped`);
  const shown = read('nm', ['-D', '--defined-only', file]).match(/\b(jpeg_|png_|inflate|deflate|crc32)\w*/g);
  if (shown !== null) throw new Error(`${basename(file)} shows its codecs to others: ${shown[0]}`);
}

function newest(symbols, name) {
  const versions = [...symbols.matchAll(new RegExp(`\\b${name}_([\\d.]+)`, 'g'))].map(
    ([, version]) => version,
  );
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

function read(program, args) {
  return execFileSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 2 ** 28,
  });
}
