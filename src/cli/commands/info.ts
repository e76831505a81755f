/** `lm-resnet info` */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { readCheckpointInfo } from '../../checkpoint/checkpoint.ts';
import { expected } from '../../errors.ts';
import { replaceFile } from '../../files.ts';
import type { Graph } from '../../graph/graph.ts';
import { summary } from '../../graph/summary.ts';
import { type PresetName, preset, presetNames, presets } from '../../models/presets.ts';
import { must } from '../../must.ts';
import { drawNetwork } from '../../picture/network.ts';
import { checkpointFacts, factLines } from '../checkpointFacts.ts';
import { checkpointPath } from '../checkpointPath.ts';
import { addFlags, countOption } from '../flags.ts';
import { variantsOf, variantsSchema } from '../job.ts';
import { table } from '../output/table.ts';

interface Flags extends Record<string, unknown> {
  readonly classes?: number;
  readonly input?: string;
  readonly svg?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet info                                        the models there are
  $ lm-resnet info lm_resnet20 --classes 100 --svg lm_resnet20.svg
  $ lm-resnet info runs/lm_resnet20 --json`;

/** Adds the command `info`. */
export function addInfo(program: Command): void {
  const command = program
    .command('info')
    .description(
      'layers, parameters and multiply-accumulates of a model or a checkpoint, and the run that made it',
    )
    .argument('[model]', `a checkpoint, a run folder, or one of: ${presetNames.join(', ')}`)
    .addOption(countOption('classes', 'classes of a named model (default: that of the model)'))
    .option(
      '--input <size>',
      'image of a named model, channels x height x width (default: that of the model)',
    )
    .option('--svg <file>', 'also draw the network, as SVG')
    .option('--json', 'print as JSON: name, parameters, macs, input, layers, checkpoint');
  addFlags(command, variantsSchema);
  command.addHelpText('after', examples).action(run);
}

async function run(model: string | undefined, flags: Flags): Promise<void> {
  if (model === undefined) {
    console.log(flags.json ? JSON.stringify(presetNames) : presetNames.join('\n'));
    return;
  }
  const path = isPath(model) ? await checkpointPath(model) : undefined;
  const info = path === undefined ? undefined : await readCheckpointInfo(path);
  const graph = info?.graph ?? namedGraph(model, flags);
  const facts = info && (await checkpointFacts(must(path), info));
  if (flags.svg !== undefined) {
    const svg = drawNetwork(graph);
    await replaceFile(flags.svg, (file) => file.writeFile(svg));
  }
  const { layers, totals } = summary(graph);
  const { parameters, macs } = totals;
  if (flags.json) {
    console.log(
      JSON.stringify({
        name: graph.name,
        parameters,
        macs,
        input: graph.input,
        classes: graph.classes,
        layers,
        ...(facts === undefined ? {} : { checkpoint: facts }),
      }),
    );
  } else {
    console.log([layerTable(graph), ...(facts === undefined ? [] : factLines(facts))].join('\n'));
  }
}

/** A file, where it is not the name of a model: a folder of that name may lie about. */
function isPath(model: string): boolean {
  return /[./\\]/.test(model) || (!Object.hasOwn(presets, model) && existsSync(model));
}

function namedGraph(name: string, { classes, input, ...flags }: Flags): Graph {
  const size = /^(\d+)x(\d+)x(\d+)$/
    .exec(input ?? '')
    ?.slice(1)
    .map(Number);
  if (input !== undefined && size === undefined)
    throw expected('ERR_CONFIG', 'channels x height x width, such as 3x32x32,', '--input', input);
  const [channels = 3, height = 32, width = 32] = size ?? [];
  return preset(name as PresetName, {
    ...(size && { input: [channels, height, width] }),
    ...(classes && { classes }),
    ...variantsOf(flags, 'info'),
  });
}

function layerTable(graph: Graph): string {
  const { layers, totals } = summary(graph);
  const rows = layers.map((l) => [
    l.path,
    l.ops.join(' '),
    l.output.slice(1).join('x'),
    count(l.parameters),
    count(l.macs),
    kib(l.activationBytes),
  ]);
  const headings = ['layer', 'operations', 'output', 'parameters', 'MACs', 'activations'];
  const { channels, height, width } = graph.input;
  const sizes = `${count(totals.parameters)} parameters, ${count(totals.macs)} MACs`;
  const total = `${sizes} and ${kib(totals.activationBytes)} of activations per ${height}x${width}x${channels} image`;
  return [table(headings, rows, 3), '', `${graph.name}: ${total}, ${graph.classes} classes`].join('\n');
}

/** Bytes in float32. */
function kib(bytes: number): string {
  return `${count(Math.ceil(bytes / 1024))} KiB`;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
