/** `lm-resnet export` */
import type { Command } from 'commander';
import { parseOptions } from '../../check.ts';
import { exportSchema } from '../../export/exported.ts';
import { exportOnnx } from '../../export/exportOnnx.ts';
import { addFlags, givenFlags } from '../flags.ts';

interface Flags extends Record<string, unknown> {
  readonly onnx: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet export runs/lm_resnet20/checkpoint.safetensors --onnx model.onnx
  $ lm-resnet export model.safetensors --onnx average.onnx --weights ema`;

/** Adds the command `export`. */
export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write a network in evaluation in a form that other programs run; needs no libtorch')
    .argument('<checkpoint>', 'a file that train or Model.save wrote')
    .requiredOption('--onnx <file>', 'ONNX file to write: input [batch, C, H, W] -> logits [batch, classes]')
    .option('--json', 'print one line of JSON');
  addFlags(command, exportSchema);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, flags: Flags): Promise<void> {
  const options = parseOptions(exportSchema, givenFlags(exportSchema, flags), 'export');
  const onnx = await exportOnnx(checkpoint, flags.onnx, options);
  if (flags.json) console.log(JSON.stringify({ checkpoint, onnx }));
  else console.log(`${onnx.file}: opset ${onnx.opset}, ${(onnx.bytes / 2 ** 20).toFixed(1)} MiB`);
}
