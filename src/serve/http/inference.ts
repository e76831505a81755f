/** The REST calls of the Open Inference Protocol (KServe, Triton), with Triton's classification extension. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { expected } from '../../errors.ts';
import { packageVersion } from '../../setup/binaries.ts';
import type { Logits } from '../classifier.ts';
import { checkFormat } from './body.ts';
import { type Output, outputNames, outputsOf } from './outputs.ts';
import { signalOf } from './routes.ts';
import { checkReady, nameOf, type Service } from './service.ts';
import { filesOf, type Inference, inferenceOf, pixelsOf } from './tensors.ts';

/** There is one. */
const modelVersion = '1';

interface Named {
  readonly Params: { readonly name: string; readonly version?: string };
}

/** Adds `/v2`, `/v2/health/…` and `/v2/models/NAME/…`. */
export function addInference(app: FastifyInstance, service: Service): void {
  const open = { config: { open: true } };
  const gated = { config: { gated: true } };
  app.get('/v2', async () => ({
    name: 'lm-resnet',
    version: packageVersion(),
    extensions: ['classification', 'binary_tensor_data'],
  }));
  app.get('/v2/health/live', open, async () => ({ live: true }));
  app.get('/v2/health/ready', open, async () => {
    checkReady(service);
    return { ready: true };
  });
  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<Named>(path, async ({ params }) => metadata(service, params));
    app.get<Named>(`${path}/ready`, async ({ params }) => {
      checkReady(service);
      return { name: checkName(service, params), ready: true };
    });
    app.post<Named>(`${path}/infer`, gated, async (request, reply) => {
      const name = checkName(service, request.params);
      const signal = signalOf(reply);
      const inference = requestOf(request);
      const outputs = outputsOf(inference, await logitsOf(service, inference, signal));
      return answer(reply, { name, id: inference.id, outputs });
    });
  }
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
