/**
 * What the service takes and answers, and where: made of its OpenAPI document by `npm run client`.
 */

/** A class and how probable it is. */
export interface Guess {
  /** Index of the class. */
  readonly index: number;
  readonly label: string;
  /** Softmax of the logits. */
  readonly probability: number;
}

/** What an image shows: the best guess, and those behind it. */
export interface Prediction {
  /** Index of the class. */
  readonly index: number;
  readonly label: string;
  /** Softmax of the logits. */
  readonly probability: number;
  /** The best topK, best first. */
  readonly top: readonly Guess[];
}

/** Answer to images. */
export interface Classified {
  /** Name of the model. */
  readonly model: string;
  /** One for each image, in the order of the request. */
  readonly predictions: readonly Prediction[];
}

/** What every refused request gets. */
export interface Failure {
  /** What was expected and what was received. */
  readonly error: string;
  /** A stable code, such as ERR_IMAGE. */
  readonly code: string;
  /** How to fix it. */
  readonly hint?: string | undefined;
}

/** Images as JSON. */
export interface ClassifyJson {
  /** Bytes of an image file, in base64. */
  readonly image?: string | undefined;
  /** Bytes of several image files, in base64. */
  readonly images?: readonly string[] | undefined;
  /** Guesses per image (default: 5). */
  readonly topK?: number | undefined;
}

/** The model of the service. */
export interface ModelFacts {
  readonly name: string;
  /** Name of the network. */
  readonly network: string;
  readonly parameters: number;
  readonly classNames: readonly string[];
  readonly input: {
    readonly channels: number;
    readonly height: number;
    readonly width: number;
    readonly mean: readonly number[];
    readonly std: readonly number[];
  };
  readonly device: string;
  readonly dtype: string;
  readonly limits: {
    /** Bytes of an image file. */
    readonly maxBytes: number;
    /** Pixels of an image. */
    readonly maxPixels: number;
    /** Images in a request. */
    readonly maxImages: number;
    /** Bytes of a request. */
    readonly maxBody: number;
  };
  /** Version of lm-resnet. */
  readonly version: string;
}

/** How the service is. */
export interface Status {
  readonly status: string;
}

/** What the server is, and which extensions it knows. */
export interface InferenceServer {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** Whether the server lives. */
export interface Live {
  readonly live: boolean;
}

/** Whether a model is ready to infer. */
export interface Ready {
  readonly name?: string | undefined;
  readonly ready: boolean;
}

/** A tensor that a model takes or gives. */
export interface TensorFacts {
  readonly name: string;
  readonly datatype: string;
  /** -1: any number of images. */
  readonly shape: readonly number[];
}

/** What a model takes and gives. */
export interface InferenceModel {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  /** Of which one is sent. */
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
}

/** A tensor of an answer. */
export interface OutputTensor {
  readonly name: string;
  /** FP32, or BYTES of classes. */
  readonly datatype: string;
  readonly shape: readonly number[];
  /** In a row; left out where it stands behind the JSON. */
  readonly data?: readonly (number | string)[] | undefined;
  readonly parameters?: { readonly binary_data_size: number } | undefined;
}

/** Answer of an inference. */
export interface Inferred {
  readonly model_name: string;
  readonly model_version: string;
  /** Of the request. */
  readonly id?: string | undefined;
  readonly outputs: readonly OutputTensor[];
}

/** Parameters of a request or tensor. */
export interface InferParameters {
  /** Bytes of the tensor behind the JSON. */
  readonly binary_data_size?: number | undefined;
  /** Answer this output as bytes behind the JSON. */
  readonly binary_data?: boolean | undefined;
  /** Answer all outputs as bytes behind the JSON. */
  readonly binary_data_output?: boolean | undefined;
  /** Answer the best so many classes, "value:index:label". */
  readonly classification?: number | undefined;
  readonly [name: string]: unknown;
}

/** A tensor of a request. */
export interface InputTensor {
  /** Image or pixels. */
  readonly name: string;
  /** BYTES for image, UINT8 for pixels. */
  readonly datatype: string;
  /** [n], or [n, height, width, channels]. */
  readonly shape: readonly number[];
  /** Files in base64, or levels from 0 to 255. */
  readonly data?: readonly unknown[] | undefined;
  /** Parameters of a request or tensor. */
  readonly parameters?: InferParameters | undefined;
}

/** An output that a request asks for. */
export interface AskedOutput {
  /** Probabilities or logits. */
  readonly name: string;
  /** Parameters of a request or tensor. */
  readonly parameters?: InferParameters | undefined;
}

/** Request for an inference. */
export interface InferRequest {
  /** Given back in the answer. */
  readonly id?: string | undefined;
  readonly inputs: readonly InputTensor[];
  /** Default: all. */
  readonly outputs?: readonly AskedOutput[] | undefined;
  /** Parameters of a request or tensor. */
  readonly parameters?: InferParameters | undefined;
}

/** What every operation is given and answers. */
export interface Operations {
  /** Classify one or several images: POST /classify */
  readonly classify: {
    readonly given: {
      /** Guesses per image (default: 5). */
      readonly topK?: number | undefined;
      /** Images as JSON. */
      readonly body: ClassifyJson;
    };
    readonly answer: Classified;
  };
  /** The model and the limits of requests: GET /model */
  readonly model: { readonly given: undefined; readonly answer: ModelFacts };
  /** Whether the process lives: GET /healthz */
  readonly health: { readonly given: undefined; readonly answer: Status };
  /** Whether it takes requests: GET /readyz */
  readonly ready: { readonly given: undefined; readonly answer: Status };
  /** The server and its extensions: GET /v2 */
  readonly inferenceServer: { readonly given: undefined; readonly answer: InferenceServer };
  /** Whether the process lives: GET /v2/health/live */
  readonly inferenceLive: { readonly given: undefined; readonly answer: Live };
  /** Whether it takes requests: GET /v2/health/ready */
  readonly inferenceReady: { readonly given: undefined; readonly answer: Ready };
  /** What the model takes: GET /v2/models/{name} */
  readonly inferenceModel: { readonly given: { readonly name: string }; readonly answer: InferenceModel };
  /** Whether it takes requests: GET /v2/models/{name}/ready */
  readonly inferenceModelReady: { readonly given: { readonly name: string }; readonly answer: Ready };
  /** Logits and probabilities of images: POST /v2/models/{name}/infer */
  readonly infer: {
    readonly given: {
      readonly name: string;
      /** Request for an inference. */
      readonly body: InferRequest;
    };
    readonly answer: Inferred;
  };
  /** What the model takes: GET /v2/models/{name}/versions/{version} */
  readonly inferenceModelVersion: {
    readonly given: { readonly name: string; readonly version: string };
    readonly answer: InferenceModel;
  };
  /** Whether it takes requests: GET /v2/models/{name}/versions/{version}/ready */
  readonly inferenceModelVersionReady: {
    readonly given: { readonly name: string; readonly version: string };
    readonly answer: Ready;
  };
  /** Logits and probabilities of images: POST /v2/models/{name}/versions/{version}/infer */
  readonly inferVersion: {
    readonly given: {
      readonly name: string;
      readonly version: string;
      /** Request for an inference. */
      readonly body: InferRequest;
    };
    readonly answer: Inferred;
  };
}

/** Where an operation is; `query` names what does not stand in the path. */
export interface Place {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
}

/** Where every operation is. */
export const operations: Readonly<Record<keyof Operations, Place>> = {
  classify: { method: 'POST', path: '/classify', query: ['topK'] },
  model: { method: 'GET', path: '/model', query: [] },
  health: { method: 'GET', path: '/healthz', query: [] },
  ready: { method: 'GET', path: '/readyz', query: [] },
  inferenceServer: { method: 'GET', path: '/v2', query: [] },
  inferenceLive: { method: 'GET', path: '/v2/health/live', query: [] },
  inferenceReady: { method: 'GET', path: '/v2/health/ready', query: [] },
  inferenceModel: { method: 'GET', path: '/v2/models/{name}', query: [] },
  inferenceModelReady: { method: 'GET', path: '/v2/models/{name}/ready', query: [] },
  infer: { method: 'POST', path: '/v2/models/{name}/infer', query: [] },
  inferenceModelVersion: { method: 'GET', path: '/v2/models/{name}/versions/{version}', query: [] },
  inferenceModelVersionReady: {
    method: 'GET',
    path: '/v2/models/{name}/versions/{version}/ready',
    query: [],
  },
  inferVersion: { method: 'POST', path: '/v2/models/{name}/versions/{version}/infer', query: [] },
};
