// A table of what the compiler says of every CUDA kernel: registers, spilled bytes and shared memory.
//   node scripts/device/registers.mjs [--arch 90]
// Needs nvcc and c++filt, no device. docs/performance.md has the table of the kernels for bfloat16.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { arch } = parseArgs({ options: { arch: { type: 'string', default: '90' } } }).values;

function run(command, args, input) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout + stderr;
}

function compile() {
  const folder = mkdtempSync(join(tmpdir(), 'lm-registers-'));
  try {
    const source = join(root, 'native/core/kernels/cuda/kernels.cu');
    const words = ['-std=c++20', '-O3', `-arch=sm_${arch}`, '-Xptxas', '-v', '-I', join(root, 'native')];
    return run('nvcc', [...words, '-cubin', source, '-o', join(folder, 'kernels.cubin')]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of a demangled name: the kernel with its type and pack, in short. */
function short(name) {
  const inner = /run<(.*)>\(/.exec(name)?.[1] ?? name;
  const plain = inner
    .replaceAll(/\(anonymous namespace\)::|lm::cuda::/g, '')
    .replaceAll(/\((?:int|bool)\)/g, '')
    .replaceAll(/\bDevice, /g, '');
  return plain.replaceAll(/\b(?:ColumnSums|Totals|StripSums)<Device, (.*)>$/g, '$1').trim();
}

const output = compile();
const entry =
  /Compiling entry function '(\S+)'[\s\S]*?(\d+) bytes spill stores, (\d+) bytes spill loads[\s\S]*?Used (\d+) registers(?:.*?(\d+) bytes smem)?/g;
const rows = [...output.matchAll(entry)].map(([, name, stores, loads, registers, shared]) => ({
  name,
  spilled: Number(stores) + Number(loads),
  registers: Number(registers),
  shared: Number(shared ?? 0),
}));
const names = run('c++filt', [], rows.map(({ name }) => name).join('\n'))
  .trim()
  .split('\n');
const threads = 256;
console.log(
  `| kernel (sm_${arch}) | registers | spilled, bytes | shared, bytes | blocks per multiprocessor |`,
);
console.log('|---|---|---|---|---|');
for (const [i, row] of rows
  .map((row, i) => [i, row])
  .toSorted(([a], [b]) => (names[a] < names[b] ? -1 : 1))) {
  const byRegisters = Math.floor(65536 / (Math.ceil(row.registers / 8) * 8 * threads));
  const byShared = row.shared === 0 ? 8 : Math.floor((227 * 1024) / (row.shared + 1024));
  const blocks = Math.min(8, byRegisters, byShared);
  console.log(`| ${short(names[i])} | ${row.registers} | ${row.spilled} | ${row.shared} | ${blocks} |`);
}
