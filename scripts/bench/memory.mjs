// Peak memory of activations of one training step, by strategy: everything that is alive at the peak, less
// parameters, gradients and momenta.
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

function measure(graph, [memory, every = '1']) {
  const file = join(folder, 'graph.json');
  writeFileSync(file, JSON.stringify(graph.toSpec()));
  const words = [
    '--batch',
    values.batch,
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
  const { activationBytes, medianStepMs } = JSON.parse(
    execFileSync(program, [file, ...words, ...more], {
      encoding: 'utf8',
      env: { ...process.env, GOMP_SPINCOUNT: '10000' },
    }),
  );
  const name = memory === 'recompute' ? `recompute, every ${every} steps` : memory;
  const mib = (activationBytes / 2 ** 20).toFixed(0);
  console.log(`| ${graph.name} | ${name} | ${mib} MiB | ${(medianStepMs / 1000).toFixed(1)} s |`);
}

try {
  console.log(
    `| network, batch ${values.batch}, 32 x 32 | memory | peak of activations | one step |\n|---|---|---|---|`,
  );
  for (const [graph, ...strategies] of rows) for (const strategy of strategies) measure(graph, strategy);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
