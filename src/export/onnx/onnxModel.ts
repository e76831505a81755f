/** A network with its weights as an ONNX model. */
import { LmError } from '../../errors.ts';
import { type OpName, opRow } from '../../graph/ops.ts';
import { elements } from '../../graph/shapes.ts';
import { must } from '../../must.ts';
import type { Exported } from '../exported.ts';
import { type Draft, draftOf, emit, ends } from './draft.ts';
import { onnxOps } from './ops.ts';
import { elementTypes, type OnnxModel, type OnnxNode, type OnnxValue } from './proto.ts';

/**
 * Versions of the operators and of the format: of 2021, which every runtime in use reads (onnxruntime from
 * 1.10); no operation here is in a newer form.
 */
export const onnxVersions = { opset: 15, ir: 8 } as const;

/** What a message of protobuf may hold, less room for all but the weights. */
const mostBytes = 2 ** 31 - 2 ** 27;

/**
 * The ONNX model of a network in evaluation.
 * float32 [batch, C, H, W] `input`, normalised -> `logits` [batch, classes]; metadata say how images become
 * the input, and what the classes are called.
 *
 * @throws ERR_CONFIG for more weights than a file of protobuf holds; ERR_NOT_FINITE for a weight or a
 *   coefficient that is no number in float32.
 */
export function onnxModel(exported: Exported): OnnxModel {
  const { graph } = exported;
  checkSize(exported);
  const draft = draftOf(exported);
  const values: (string | null)[] = [];
  for (const node of graph.nodes) {
    opRow(node.op);
    const inputs = node.inputs.map((i) => values[i] ?? '');
    values.push(onnxOps[node.op as OpName](draft, node, inputs));
  }
  const node = withOutput(draft, must(values[graph.output]));
  const [shape = [], result = []] = [0, graph.output].map((i) => must(graph.shapes()[i]));
  return {
    irVersion: onnxVersions.ir,
    producerName: 'lm-resnet',
    docString: describe(exported),
    opsetImport: [{ domain: '', version: onnxVersions.opset }],
    metadataProps: metadataOf(exported),
    graph: {
      name: graph.name,
      node,
      initializer: [...draft.constants.values()],
      input: [value(ends.input, shape)],
      output: [value(ends.output, result)],
    },
  };
}

/** The nodes, of which one gives the result its name. */
function withOutput(draft: Draft, result: string): OnnxNode[] {
  const last = result === ends.input ? emit(draft, 'output', 'Identity', [result]) : result;
  const renamed = (name: string): string => (name === last ? ends.output : name);
  return draft.nodes.map((node) => ({
    ...node,
    input: node.input.map(renamed),
    output: node.output.map(renamed),
  }));
}

/** A value of any number of images. */
function value(name: string, [, ...sizes]: readonly number[]): OnnxValue {
  const dim = [{ dimParam: 'batch' }, ...sizes.map((dimValue) => ({ dimValue }))];
  return { name, type: { tensorType: { elemType: elementTypes.float32, shape: { dim } } } };
}

function checkSize({ graph }: Exported): void {
  const numbers = [...graph.params, ...graph.buffers].reduce((sum, { shape }) => sum + elements(shape), 0);
  if (4 * numbers <= mostBytes) return;
  const size = `${(numbers / 2 ** 28).toFixed(1)} GiB`;
  throw new LmError('ERR_CONFIG', `Expected weights of less than 2 GiB for ONNX but received ${size}`, {
    hint: 'A file of protobuf holds no more; the export for PyTorch does.',
  });
}

function describe({ graph: { input, classes } }: Exported): string {
  const { channels, height, width } = input;
  const order = channels === 3 ? ', channels red, green, blue' : '';
  return (
    `${ends.input}: float32 [batch, ${channels}, ${height}, ${width}]${order}: (level / 255 - mean) / std per ` +
    `channel, see metadata "preprocessing". ${ends.output}: ${classes} classes before the softmax, see "classNames".`
  );
}

function metadataOf({ graph, classNames, input }: Exported): OnnxModel['metadataProps'] {
  return [
    { key: 'name', value: graph.name },
    { key: 'classNames', value: JSON.stringify(classNames) },
    { key: 'preprocessing', value: JSON.stringify(input) },
  ];
}
