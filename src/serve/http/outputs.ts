/** Outputs of the Open Inference Protocol. */
import { expected } from '../../errors.ts';
import { checkLogits, predictions } from '../../model/predictions.ts';
import { must } from '../../must.ts';
import type { Logits } from '../classifier.ts';
import type { AskedOutput, Inference } from './tensors.ts';

/** The outputs that there are. */
export const outputNames: readonly string[] = ['probabilities', 'logits'];

/** An output as it is answered, and its bytes where it is not JSON. */
export interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size: number };
  readonly bytes?: Buffer;
}

/**
 * The outputs that a request asks for; all of them where it names none. With `classification: k` the best k
 * classes as "value:index:label".
 *
 * @throws ERR_UNKNOWN_NAME; ERR_NOT_FINITE for logits that are no numbers, which JSON has no word for.
 */
export function outputsOf({ outputs, parameters }: Inference, logits: Logits): Output[] {
  logits.rows.forEach(checkLogits);
  const asked = outputs ?? outputNames.map((name): AskedOutput => ({ name }));
  return asked.map(({ name, parameters: own }) => {
    if (!outputNames.includes(name))
      throw expected('ERR_UNKNOWN_NAME', outputNames.join(' or '), 'outputs.name', name);
    const isBinary = own?.binary_data ?? parameters?.binary_data_output ?? false;
    const k = own?.classification ?? 0;
    return k > 0 ? classes(name, logits, k, isBinary) : numbers(name, logits, isBinary);
  });
}

function numbers(name: string, { rows, classNames }: Logits, isBinary: boolean): Output {
  const values = rows.flatMap((row) => (name === 'logits' ? Array.from(row) : softmax(row, classNames)));
  const tensor = { name, datatype: 'FP32', shape: [rows.length, classNames.length] };
  if (!isBinary) return { ...tensor, data: values };
  const floats = Float32Array.from(values);
  return withBytes(tensor, Buffer.from(floats.buffer));
}

function softmax(row: Float32Array, classNames: readonly string[]): number[] {
  const { top } = must(predictions(row, classNames, classNames.length)[0]);
  return top.toSorted((a, b) => a.index - b.index).map(({ probability }) => probability);
}

function classes(name: string, { rows, classNames }: Logits, k: number, isBinary: boolean): Output {
  const count = Math.min(k, classNames.length);
  const data = rows.flatMap((row) =>
    predictions(row, classNames, count).flatMap(({ top }) =>
      top.map(({ index, label, probability }) => {
        const value = name === 'logits' ? must(row[index]) : probability;
        return `${value.toFixed(6)}:${index}:${label}`;
      }),
    ),
  );
  const tensor = { name, datatype: 'BYTES', shape: [rows.length, count] };
  if (!isBinary) return { ...tensor, data };
  const parts = data.flatMap((text) => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  return withBytes(tensor, Buffer.concat(parts));
}

function withBytes(tensor: Output, bytes: Buffer): Output {
  return { ...tensor, parameters: { binary_data_size: bytes.length }, bytes };
}
