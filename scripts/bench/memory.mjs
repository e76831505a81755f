// Peak memory of one training step, by strategy: of activations (the planned arena, and what libtorch takes
// inside its calls; no parameters, gradients and momenta), and of the whole process (VmHWM), beside that of a
// step of one image, which is what does not grow with the batch.
//   npm run bench:memory -- [--batch 128] [--threads 1]
// Prints a table for docs/schemes.md. RevNet-110 with ten times the steps takes minutes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { linearTwoStep, network, presetConfig } from '../../dist/index.js';

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({ options: { batch: text('128'), threads: text('1') } });
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lm-memory-'));

const revnet = (factor) => {
  const config = presetConfig('revnet110');
  const stages = config.stages.map((stage) => ({ ...stage, steps: stage.steps * factor }));
  return network({
    ...config,
    name: factor === 1 ? 'revnet110' : `revnet110, ${factor} x the steps`,
    stages,
  });
};
// k far from 0, so that the steps of the two-step scheme can be undone
const far = network({
  ...presetConfig('lm_resnet110'),
  name: 'lm_resnet110, k in U(-0.95, -0.85)',
  scheme: linearTwoStep({ init: [-0.95, -0.85] }),
});

const rows = [
  [revnet(1), ['store'], ['recompute', '5'], ['reverse']],
  [revnet(10), ['reverse']],
  [network(presetConfig('lm_resnet110')), ['store'], ['recompute', '7']],
  [far, ['reverse']],
];

function step(graph, [memory, every = '1'], batch) {
  const file = join(folder, 'graph.json');
  writeFileSync(file, JSON.stringify(graph.toSpec()));
  const words = [
    '--batch',
    batch,
    '--threads',
    values.threads,
    '--steps',
    '2',
    '--size',
    '32',
    '--lr',
    '0.001',
  ];
  const more = ['--memory', memory, '--every', every];
  const program = join(root, 'build/Release/lm-check');
  return JSON.parse(
    execFileSync(program, [file, ...words, ...more], {
      encoding: 'utf8',
      env: { ...process.env, GOMP_SPINCOUNT: '10000' },
    }),
  );
}

function measure(graph, strategy) {
  const [memory, every] = strategy;
  const { activationBytes, peakResidentBytes, medianStepMs } = step(graph, strategy, values.batch);
  const one = step(graph, strategy, '1').peakResidentBytes;
  const name = memory === 'recompute' ? `recompute, every ${every} steps` : memory;
  const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const memories = [activationBytes, peakResidentBytes, one].map(mib).join(' | ');
  console.log(`| ${graph.name} | ${name} | ${memories} | ${(medianStepMs / 1000).toFixed(1)} s |`);
}

try {
  console.log(
    `| network, batch ${values.batch}, 32 x 32 | memory | peak of activations | peak resident | at batch 1 | one step |\n|---|---|---|---|---|---|`,
  );
  for (const [graph, ...strategies] of rows) for (const strategy of strategies) measure(graph, strategy);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
