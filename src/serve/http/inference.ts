/** The REST calls of the Open Inference Protocol (KServe, Triton), with Triton's classification extension. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { expected } from '../../errors.ts';
import { packageVersion } from '../../setup/binaries.ts';
import type { Logits } from '../classifier.ts';
import { checkFormat } from './body.ts';
import {
  inferenceModelSchema,
  inferredSchema,
  liveSchema,
  readySchema,
  serverSchema,
} from './inferenceSchema.ts';
import { jsonBody, operation } from './operation.ts';
import { type Output, outputNames, outputsOf } from './outputs.ts';
import { signalOf } from './routes.ts';
import { checkReady, nameOf, type Service } from './service.ts';
import { filesOf, type Inference, inferenceOf, inferSchema, pixelsOf } from './tensors.ts';

/** There is one. */
const modelVersion = '1';

interface Named {
  readonly Params: { readonly name: string; readonly version?: string };
}

const tag = 'inference';
const binary =
  'the JSON, and behind it the bytes of the tensor (Inference-Header-Content-Length: bytes of the JSON)';
const inferBody = jsonBody(inferSchema, {
  'application/octet-stream': { schema: { type: 'string', format: 'binary', description: binary } },
});

/** Adds `/v2`, `/v2/health/…` and `/v2/models/NAME/…`. */
export function addInference(app: FastifyInstance, service: Service): void {
  const server = operation('inferenceServer', 'The server and its extensions', serverSchema, { tag });
  app.get('/v2', { schema: server }, async () => ({
    name: 'lm-resnet',
    version: packageVersion(),
    extensions: ['classification', 'binary_tensor_data'],
  }));
  const config = { open: true };
  const live = operation('inferenceLive', 'Whether the process lives', liveSchema, { tag });
  app.get('/v2/health/live', { config, schema: live }, async () => ({ live: true }));
  const ready = operation('inferenceReady', 'Whether it takes requests', readySchema, { tag });
  app.get('/v2/health/ready', { config, schema: ready }, async () => {
    checkReady(service);
    return { ready: true };
  });
  addModel(app, service, '/v2/models/:name', '');
  addModel(app, service, '/v2/models/:name/versions/:version', 'Version');
}

/** The routes of a model, or of its version; their names end so. */
function addModel(app: FastifyInstance, service: Service, path: string, end: string): void {
  const facts = operation(`inferenceModel${end}`, 'What the model takes', inferenceModelSchema, { tag });
  app.get<Named>(path, { schema: facts }, async ({ params }) => metadata(service, params));
  const ready = operation(`inferenceModel${end}Ready`, 'Whether it takes requests', readySchema, { tag });
  app.get<Named>(`${path}/ready`, { schema: ready }, async ({ params }) => {
    checkReady(service);
    return { name: checkName(service, params), ready: true };
  });
  const taken = operation(`infer${end}`, 'Logits and probabilities of images', inferredSchema, {
    tag,
    body: inferBody,
  });
  app.post<Named>(`${path}/infer`, { config: { gated: true }, schema: taken }, async (request, reply) => {
    const name = checkName(service, request.params);
    const signal = signalOf(reply);
    const inference = requestOf(request);
    const outputs = outputsOf(inference, await logitsOf(service, inference, signal));
    return answer(reply, { name, id: inference.id, outputs });
  });
}

/** @throws ERR_UNKNOWN_NAME for another model or version. */
function checkName(service: Service, { name, version = modelVersion }: Named['Params']): string {
  const own = nameOf(service);
  if (name !== own)
    throw expected('ERR_UNKNOWN_NAME', own, 'model', name, { hint: `Ask for /v2/models/${own}.` });
  if (version !== modelVersion) throw expected('ERR_UNKNOWN_NAME', modelVersion, 'version', version);
  return own;
}

function metadata(service: Service, params: Named['Params']): object {
  const { input, classNames } = service.classifier;
  return {
    name: checkName(service, params),
    versions: [modelVersion],
    platform: 'lm-resnet',
    // One of both is sent.
    inputs: [
      { name: 'image', datatype: 'BYTES', shape: [-1] },
      { name: 'pixels', datatype: 'UINT8', shape: [-1, input.height, input.width, input.channels] },
    ],
    outputs: outputNames.map((name) => ({ name, datatype: 'FP32', shape: [-1, classNames.length] })),
  };
}

function requestOf({ body, headers }: Pick<FastifyRequest, 'body' | 'headers'>): Inference {
  const bytes = body instanceof Uint8Array ? body : Buffer.alloc(0);
  return inferenceOf(bytes, [headers['inference-header-content-length']].flat()[0]);
}

async function logitsOf(
  { classifier, settings }: Service,
  inference: Inference,
  signal: AbortSignal,
): Promise<Logits> {
  const name = inference.inputs[0]?.name;
  if (name === 'pixels') {
    const { height, width, channels } = classifier.input;
    const pixels = pixelsOf(inference, [height, width, channels], settings.maxImages);
    return classifier.logitsOf('pixels', pixels, signal);
  }
  if (name !== 'image') throw expected('ERR_UNKNOWN_NAME', 'image or pixels', 'inputs.name', name);
  const files = filesOf(inference, settings.maxImages);
  for (const [i, file] of files.entries()) checkFormat(file, files.length === 1 ? 'image' : `images[${i}]`);
  return classifier.logitsOf('file', files, signal);
}

function answer(
  reply: FastifyReply,
  {
    name,
    id,
    outputs,
  }: { readonly name: string; readonly id?: string | undefined; readonly outputs: Output[] },
): object {
  const told = outputs.map(({ bytes: _, ...rest }) => rest);
  const facts = { model_name: name, model_version: modelVersion, ...(id === undefined ? {} : { id }) };
  const json = { ...facts, outputs: told };
  const bytes = outputs.flatMap((output) => output.bytes ?? []);
  if (bytes.length === 0) return json;
  const head = Buffer.from(JSON.stringify(json));
  return reply
    .type('application/octet-stream')
    .header('inference-header-content-length', String(head.length))
    .send(Buffer.concat([head, ...bytes]));
}
