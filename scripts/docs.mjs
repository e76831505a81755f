// Writes docs/errors.md from the table of codes and docs/models.md from that of the presets; `--check` only
// compares. Needs dist (npm run bootstrap), but no libtorch.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorCodes } from '../dist/errors.js';
import { summary } from '../dist/graph/summary.js';
import { preset, presetNames, presets } from '../dist/models/presets.js';

const pages = {
  'errors.md': [errorsPage, 'src/errors.ts'],
  'models.md': [modelsPage, 'src/models/presets.ts'],
};

function errorsPage() {
  const rows = Object.entries(errorCodes).map(
    ([code, { meaning, exit, status }]) => `| \`${code}\` | ${meaning} | ${exit} | ${status} |`,
  );
  return `# Errors

Every error that this package throws on purpose is an \`LmError\` with one of these codes, a message and mostly a \`hint\` that says how to fix it. Codes
never change their meaning. This page is made from \`src/errors.ts\` by \`npm run docs\`.

| code | meaning | exit code | HTTP status |
|---|---|---|---|
${rows.join('\n')}
`;
}

function modelsPage() {
  return `# Models

The built-in models, as \`preset(name)\`, \`createModel(name, …)\` and \`--model\` have them, with their own input and number of classes. A MAC is one multiplication with its
addition, of the convolutions and linear layers for one image. \`lm-resnet info NAME\` lists the layers. This page is made from \`src/models/presets.ts\` by \`npm run docs\`.

| model | input | classes | parameters | MACs | source |
|---|---|---|---|---|---|
${presetNames.map(modelRow).join('\n')}
`;
}

function modelRow(name) {
  const graph = preset(name);
  const { parameters, macs } = summary(graph).totals;
  const { channels, height, width } = graph.input;
  const cells = [
    `\`${name}\``,
    `${channels}×${height}×${width}`,
    graph.classes,
    parameters.toLocaleString('en'),
    `${(macs / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} M`,
    presets[name].source ?? '',
  ];
  return `| ${cells.join(' | ')} |`;
}

for (const [name, [make, source]] of Object.entries(pages)) {
  const path = fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
  const text = make();
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`docs/${name} is not what ${source} says: npm run docs`);
    process.exitCode = 1;
  }
}
