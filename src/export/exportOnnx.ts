import { replaceFile } from '../files.ts';
import type { Model } from '../model/model.ts';
import { type ExportOptions, exportedOf } from './exported.ts';
import { onnxModel, onnxVersions } from './onnx/onnxModel.ts';
import { modelType } from './onnx/proto.ts';

/** What `exportOnnx` wrote. */
export interface OnnxExport {
  readonly file: string;
  /** Version of ONNX's operators that the file needs. */
  readonly opset: number;
  readonly bytes: number;
}

/**
 * Writes a network in evaluation as an ONNX file (opset 15), as a whole or not at all; equal weights give
 * equal bytes.
 * `input`, float32 [batch, C, H, W] at the model's size, (pixel / 255 - mean) / std -> `logits`, float32
 * [batch, classes]; `batch` is free. Batch norms use their running statistics, noise is at its expectation;
 * learned coefficients become constants. Metadata: `name`, `classNames` (JSON), and `preprocessing` (JSON:
 * what `model.input` is).
 *
 * @param source a model, or the path of a checkpoint, for which no libtorch is needed. During a
 *   training a model's tensors are read between its steps, not all of them after the same one.
 * @param file is replaced where it exists; never the checkpoint itself.
 * @param options.weights `value` (default), or `ema`: the average that a training with `modelEma` keeps.
 * @returns the file, its opset and its size.
 * @throws ERR_CONFIG for a wrong argument, where there is no average, or for weights of more than 2 GiB;
 *   ERR_NOT_FINITE naming a tensor that is no number in float32; ERR_CHECKPOINT for a torn or foreign file,
 *   ERR_FILE when the file system refuses; ERR_CLOSED.
 * @example
 * await exportOnnx('runs/lm_resnet20/checkpoint.safetensors', 'model.onnx');
 */
export async function exportOnnx(
  source: Model | string,
  file: string,
  options: ExportOptions = {},
): Promise<OnnxExport> {
  const exported = await exportedOf(source, [file], options);
  const bytes = (await modelType()).encode(onnxModel(exported)).finish();
  await replaceFile(file, (opened) => opened.writeFile(bytes));
  return { file, opset: onnxVersions.opset, bytes: bytes.length };
}
