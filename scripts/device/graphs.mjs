// Makes the graphs that check.sh needs where there is no Node:
//   node scripts/device/graphs.mjs DIR
// DIR/compare: one net of every family, at its own size; DIR/race: those that are timed. The package must be
// built (dist).
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preset } from '../../dist/index.js';

const compared = [
  'resnet20',
  'preact_resnet20',
  'lm_resnet20',
  'lm_resnext29_8x64d',
  'lm_resnet110_sd',
  'revnet38',
  'fractalnet20',
  'shake_shake26_2x32d',
  'resnet50',
  'lm_resnet50',
];
/** Of a twin everything is equal but the scheme. */
const raced = {
  lm_resnet50: preset('lm_resnet50'),
  lm_resnet50_euler: preset('lm_resnet50', { scheme: 'euler' }),
  resnet50: preset('resnet50'),
  lm_resnext50_32x4d: preset('lm_resnext50_32x4d'),
  lm_resnet20: preset('lm_resnet20'),
  lm_resnet110: preset('lm_resnet110'),
};

const folder = process.argv[2];
if (folder === undefined) {
  console.error('Usage: node scripts/device/graphs.mjs DIR');
  process.exit(2);
}
function write(kind, graphs) {
  mkdirSync(join(folder, kind), { recursive: true });
  for (const [name, graph] of graphs)
    writeFileSync(join(folder, kind, `${name}.json`), JSON.stringify(graph.toSpec()));
}
write(
  'compare',
  compared.map((name) => [name, preset(name)]),
);
write('race', Object.entries(raced));
