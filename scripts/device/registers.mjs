// A table of what the compiler says of every CUDA kernel: registers, spilled bytes and shared memory.
//   node scripts/device/registers.mjs [--arch 90]
//   node scripts/device/registers.mjs --docs    the table of docs/performance.md: what bfloat16 takes
// Needs nvcc and c++filt, no device.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { arch, docs } = parseArgs({
  options: { arch: { type: 'string', default: '90' }, docs: { type: 'boolean', default: false } },
}).values;

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
  return inner
    .replaceAll(/\(anonymous namespace\)::|lm::cuda::/g, '')
    .replaceAll(/\((?:int|bool)\)/g, '')
    .replaceAll(/\bDevice, /g, '')
    .trim();
}

const upToFour = (kernel) => [1, 2, 3, 4].map((terms) => kernel.replace('#', terms));

/** What a reader looks for, and the kernels that it is. */
const inWords = [
  ['statistics of a norm: partial sums', ['ColumnSums<Moments<BFloat16, 8> >']],
  ['statistics of a norm: totals', ['Totals<FinishMoments<BFloat16> >']],
  ['norm and relu', ['ApplyNorm<BFloat16, 8>']],
  ['norm and relu, backwards: partial sums', ['ColumnSums<GradientSums<BFloat16, 8> >']],
  ['norm and relu, backwards: totals', ['Totals<FinishGradient<BFloat16> >']],
  ['norm and relu, backwards: gradient', ['NormGradient<BFloat16, 8>']],
  ['combination of 1, 2, 3, 4 terms', upToFour('Combine<BFloat16, #>')],
  [
    'combination of 1, 2, 3, 4 terms, backwards: gradients and partial sums',
    upToFour('StripSums<TermGradients<BFloat16, #> >'),
  ],
  ['totals of these sums', upToFour('Totals<AddTotals<BFloat16, #> >')],
  ['sum of products: partial sums', ['StripSums<Products<BFloat16> >']],
  ['sum of products by channel: partial sums', ['ColumnSums<ChannelProducts<BFloat16, 8> >']],
  ['totals of sums of products', ['Totals<AddTotal<BFloat16> >']],
  ['pixels to values', ['Normalise<BFloat16>']],
  ['Mixup and CutMix, in place', ['MixImages<BFloat16, 8>']],
  ['dropout', ['DropoutMask<BFloat16>']],
  ['Gaussian noise', ['Gaussian<BFloat16>']],
  ['SGD of all weights, float32', ['UpdateWeights<float, SgdRule<float> >']],
  ['AdamW of all weights, float32', ['UpdateWeights<float, AdamRule<float> >']],
];

/** Numbers of several kernels: one where they are the same, else all, or of shared memory the range. */
function together(numbers) {
  const texts = numbers.map((number) => number.toLocaleString('en'));
  if (new Set(texts).size === 1) return texts[0];
  return Math.max(...numbers) > 999 ? `${texts[0]} to ${texts.at(-1)}` : texts.join(', ');
}

function printInWords(rows) {
  const of = (name) => {
    const row = rows.find((one) => one.name === name);
    if (row === undefined) throw new Error(`No kernel is called ${name}`);
    return row;
  };
  const columns = ['registers', 'spilled', 'shared', 'blocks'];
  console.log('| kernel | registers | spilled, bytes | shared memory, bytes | blocks per multiprocessor |');
  console.log('|---|---|---|---|---|');
  for (const [words, names] of inWords) {
    const cells = columns.map((column) => together(names.map((name) => of(name)[column])));
    console.log(`| ${[words, ...cells].join(' | ')} |`);
  }
  const spilling = rows
    .filter(({ spilled }) => spilled > 0)
    .map(({ name, spilled }) => `${name}: ${spilled}`);
  console.log(`\n${rows.length} kernels; bytes that spill, both ways: ${spilling.join(', ') || 'none'}`);
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
for (const [i, row] of rows.entries()) {
  const byRegisters = Math.floor(65536 / (Math.ceil(row.registers / 8) * 8 * threads));
  const byShared = row.shared === 0 ? 8 : Math.floor((227 * 1024) / (row.shared + 1024));
  Object.assign(row, { name: short(names[i]), blocks: Math.min(8, byRegisters, byShared) });
}
rows.sort((a, b) => (a.name < b.name ? -1 : 1));
if (docs) {
  printInWords(rows);
} else {
  console.log(
    `| kernel (sm_${arch}) | registers | spilled, bytes | shared, bytes | blocks per multiprocessor |`,
  );
  console.log('|---|---|---|---|---|');
  for (const { name, registers, spilled, shared, blocks } of rows)
    console.log(`| ${name} | ${registers} | ${spilled} | ${shared} | ${blocks} |`);
}
