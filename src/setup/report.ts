/** A doctor's report as text for the terminal. */
import { defaultReplicas } from '../cores.ts';
import type { Report } from './doctor.ts';

const width = 12;

/** The report as lines of "name  value", then the verdict and the advice. */
export function formatReport(report: Report): string {
  const lines = [...machine(report), ...libtorch(report), ...tools(report), '', ...verdict(report)];
  return lines.join('\n');
}

function row(name: string, value: string): string {
  return `${name.padEnd(width)}${value}`;
}

function machine(report: Report): string[] {
  const { cpu, memory } = report;
  const gpus = report.gpus.map(
    ({ name, driver, memoryMiB, computeCapability }) =>
      `${name}, ${memoryMiB} MiB, driver ${driver}, compute capability ${computeCapability}`,
  );
  return [
    row('lm-resnet', report.package),
    row(
      'Node',
      `${report.node}, ${report.platform}, ${report.glibc === null ? 'no glibc' : `glibc ${report.glibc}`}`,
    ),
    row('CPU', `${cpu.model}, ${cpu.cores} cores, ${cpu.available} available`),
    row('memory', `${memory.totalMiB} MiB, ${memory.freeMiB} MiB free`),
    row('compute', computing(report)),
    row('GPU', gpus.length > 0 ? gpus.join('; ') : `none found, ${report.driver ? 'a' : 'no'} driver`),
  ];
}

/** What follows from the machine where nothing else is told. */
function computing({ cpu, gpus, load }: Report): string {
  const typeOf = (isNative: boolean): string => (isNative ? 'bfloat16' : 'none');
  const cards = gpus.map(
    ({ computeCapability }, i) => `${typeOf(Number(computeCapability) >= 8)} on cuda:${i}`,
  );
  const amp = load?.info ? [`${typeOf(load.info.bfloat16)} on the CPU`, ...cards].join(', ') : 'not known';
  const { available } = cpu;
  const replicas = defaultReplicas(available, 'cpu');
  return `${available} threads, replicas that serve: ${replicas}, images decoded at a time: ${available}; amp auto: ${amp}`;
}

function libtorch(report: Report): string[] {
  const { binaries, load } = report;
  const candidates = report.candidates.map(({ source, path, libtorch, refused }) => {
    const mark = libtorch !== null && libtorch.source === report.libtorch?.source ? '*' : ' ';
    const found = libtorch === null ? refused : `${path} (${libtorch.version}, ${libtorch.flavour})`;
    return `${mark} ${source.padEnd(20)}${found}`;
  });
  return [
    'libtorch (* is used)',
    ...candidates,
    row('opener', binaries.opener ?? 'missing'),
    ...addons(report),
    row('kernels', binaries.kernels ?? "none for CUDA: libtorch's own functions serve"),
    row('graphs', graphs(report)),
    row('NCCL', nccl(report)),
    row('load test', loadLine(report)),
    row('OpenMP', load === null || load.openmp.length === 0 ? 'not loaded' : load.openmp.join(', ')),
    row('cache', report.cache ?? 'none: this user has no home; set LM_RESNET_CACHE'),
  ];
}

/** The addon for each minor release of libtorch; one is used. */
function addons({ binaries, libtorch }: Report): string[] {
  const files = Object.entries(binaries.addons);
  if (files.length === 0) return [row('addon', 'missing')];
  return files.map(([minor, file]) =>
    row(`addon ${minor}`, `${file}${minor === libtorch?.minor ? ' (is used)' : ''}`),
  );
}

function graphs({ binaries, libtorch }: Report): string {
  return binaries.graphs[libtorch?.minor ?? ''] ?? 'none for CUDA: steps are not captured';
}

function nccl({ binaries, libtorch }: Report): string {
  return binaries.nccl[libtorch?.minor ?? ''] ?? 'none: several ranks cannot train on CUDA devices';
}

function loadLine({ load }: Report): string {
  if (load === null) return 'not done';
  if (!load.ok) return `failed: ${load.problem}`;
  if (load.info === null) return `libtorch opens (${load.seconds} s); the addon is missing`;
  const { builtFor, cpuCapability, cudaDevices } = load.info;
  return `ok in ${load.seconds} s: addon for libtorch ${builtFor}, ${cpuCapability}, ${cudaDevices} CUDA devices`;
}

function tools(report: Report): string[] {
  return Object.entries(report.tools).map(([name, version]) => row(name, String(version ?? 'not found')));
}

function verdict({ ok, advice }: Report): string[] {
  return [ok ? 'All is well.' : 'Not ready.', ...advice.map((line) => `- ${line}`)];
}
