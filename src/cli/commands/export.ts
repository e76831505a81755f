/** `lm-resnet export` */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parseOptions } from '../../check.ts';
import { expected, LmError } from '../../errors.ts';
import { exportSchema } from '../../export/exported.ts';
import { exportOnnx, type OnnxExport } from '../../export/exportOnnx.ts';
import { exportTorch, type TorchExport } from '../../export/exportTorch.ts';
import { checkpointHelp, checkpointPath } from '../checkpointPath.ts';
import { addFlags, givenFlags } from '../flags.ts';

interface Flags extends Record<string, unknown> {
  readonly onnx?: string;
  readonly torch?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet export runs/lm_resnet20 --onnx model.onnx
  $ lm-resnet export model.safetensors --onnx average.onnx --weights ema
  $ lm-resnet export model.safetensors --torch weights.safetensors          and weights.py
  $ python -c 'import weights; print(weights.load())'`;

/** Adds the command `export`. */
export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write a network in evaluation in a form that other programs run; needs no libtorch')
    .argument('<checkpoint>', checkpointHelp)
    .option('--onnx <file>', 'ONNX file to write: input [batch, C, H, W] -> logits [batch, classes]')
    .option(
      '--torch <file>',
      'state dict to write, as safetensors: with torchvision’s names, or a Python file beside it that loads it',
    )
    .option('--json', 'print one line of JSON');
  addFlags(command, exportSchema);
  command.addHelpText('after', examples).action(run);
}

async function run(given: string, { onnx, torch, json, ...flags }: Flags): Promise<void> {
  const options = parseOptions(exportSchema, givenFlags(exportSchema, flags), 'export');
  checkFiles(onnx, torch);
  const checkpoint = await checkpointPath(given);
  const made = {
    ...(onnx === undefined ? {} : { onnx: await exportOnnx(checkpoint, onnx, options) }),
    ...(torch === undefined ? {} : { torch: await exportTorch(checkpoint, torch, options) }),
  };
  if (json) console.log(JSON.stringify({ checkpoint, ...made }));
  else console.log([onnxLine(made.onnx), torchLine(made.torch)].flat().join('\n'));
}

function checkFiles(onnx: string | undefined, torch: string | undefined): void {
  if (onnx === undefined && torch === undefined)
    throw new LmError('ERR_CONFIG', 'Expected a file for `--onnx` or `--torch` but received neither', {
      hint: 'lm-resnet export checkpoint.safetensors --onnx model.onnx',
    });
  if (onnx !== undefined && torch !== undefined && resolve(onnx) === resolve(torch))
    throw expected('ERR_CONFIG', 'another file than that of --onnx', '--torch', torch);
}

function onnxLine(made: OnnxExport | undefined): string[] {
  if (made === undefined) return [];
  return [`${made.file}: opset ${made.opset}, ${(made.bytes / 2 ** 20).toFixed(1)} MiB`];
}

function torchLine(made: TorchExport | undefined): string[] {
  if (made === undefined) return [];
  const { file, module, torchvision } = made;
  return [`${file}: state dict of ${torchvision === null ? module : `torchvision.models.${torchvision}`}`];
}
