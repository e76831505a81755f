/**
 * ONNX files on the byte level: the messages of onnx.proto as far as they are written here, with its numbers.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import type protobuf from 'protobufjs/light.js';

/** Kinds of an attribute, and its value in the field of that kind. */
export type OnnxAttribute =
  | { readonly type: 1; readonly f: number }
  | { readonly type: 2; readonly i: number }
  | { readonly type: 7; readonly ints: readonly number[] };

/** An attribute that is a float32. */
export const float = (f: number): OnnxAttribute => ({ type: 1, f });
/** An attribute that is an integer. */
export const int = (i: number): OnnxAttribute => ({ type: 2, i });
/** An attribute that is a list of integers. */
export const ints = (...values: readonly number[]): OnnxAttribute => ({ type: 7, ints: values });

/** Element types of a tensor. */
export const elementTypes = { float32: 1, int64: 7 } as const;

/** A constant: row-major, little-endian. */
export interface OnnxTensor {
  readonly name: string;
  readonly dataType: number;
  readonly dims: readonly number[];
  readonly rawData: Uint8Array;
}

/** One operation; its inputs and outputs are names of values. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly (OnnxAttribute & { readonly name: string })[];
}

/** A value that the graph takes or gives; a size is a number, or the name of one that varies. */
export interface OnnxValue {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: {
        readonly dim: readonly ({ readonly dimValue: number } | { readonly dimParam: string })[];
      };
    };
  };
}

/** A file. */
export interface OnnxModel {
  readonly irVersion: number;
  readonly producerName: string;
  readonly docString: string;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly OnnxNode[];
    readonly initializer: readonly OnnxTensor[];
    readonly input: readonly OnnxValue[];
    readonly output: readonly OnnxValue[];
  };
}

const field = (id: number, type: string): protobuf.IField => ({ id, type });
const list = (id: number, type: string): protobuf.IField => ({ id, type, rule: 'repeated' });

const messages: protobuf.INamespace = {
  nested: {
    Model: {
      fields: {
        irVersion: field(1, 'int64'),
        producerName: field(2, 'string'),
        docString: field(6, 'string'),
        graph: field(7, 'Graph'),
        opsetImport: list(8, 'OperatorSet'),
        metadataProps: list(14, 'Entry'),
      },
    },
    OperatorSet: { fields: { domain: field(1, 'string'), version: field(2, 'int64') } },
    Entry: { fields: { key: field(1, 'string'), value: field(2, 'string') } },
    Graph: {
      fields: {
        node: list(1, 'Node'),
        name: field(2, 'string'),
        initializer: list(5, 'Tensor'),
        input: list(11, 'ValueInfo'),
        output: list(12, 'ValueInfo'),
      },
    },
    Node: {
      fields: {
        input: list(1, 'string'),
        output: list(2, 'string'),
        name: field(3, 'string'),
        opType: field(4, 'string'),
        attribute: list(5, 'Attribute'),
      },
    },
    Attribute: {
      fields: {
        name: field(1, 'string'),
        f: field(2, 'float'),
        i: field(3, 'int64'),
        ints: list(8, 'int64'),
        type: field(20, 'int32'),
      },
    },
    Tensor: {
      fields: {
        dims: list(1, 'int64'),
        dataType: field(2, 'int32'),
        name: field(8, 'string'),
        rawData: field(9, 'bytes'),
      },
    },
    ValueInfo: { fields: { name: field(1, 'string'), type: field(2, 'Type') } },
    Type: { fields: { tensorType: field(1, 'TensorType') } },
    TensorType: { fields: { elemType: field(1, 'int32'), shape: field(2, 'Shape') } },
    Shape: { fields: { dim: list(1, 'Dimension') } },
    Dimension: {
      oneofs: { value: { oneof: ['dimValue', 'dimParam'] } },
      fields: { dimValue: field(1, 'int64'), dimParam: field(2, 'string') },
    },
  },
};

/** The type of a whole file. */
export async function modelType(): Promise<protobuf.Type> {
  const { default: protobuf } = await import('protobufjs/light.js');
  return protobuf.Root.fromJSON(messages).lookupType('Model');
}
