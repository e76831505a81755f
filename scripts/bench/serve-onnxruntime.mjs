// The rival of serve.mjs: onnxruntime-node in the same Fastify shell, a run for each request, pictures
// decoded by sharp.
//   node serve-onnxruntime.mjs TOOLS MODEL.onnx THREADS '{"height":…,"width":…,"mean":…,"std":…}'
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fastify } from 'fastify';
import prometheus from 'prom-client';
import sharp from 'sharp';

const [tools, file, threads, preprocessing] = process.argv.slice(2);
const { InferenceSession, Tensor } = createRequire(join(tools, 'x.js'))('onnxruntime-node');
const session = await InferenceSession.create(file, { intraOpNumThreads: Number(threads) });
const { height, width, mean, std } = JSON.parse(preprocessing);

const app = fastify({ bodyLimit: 2 ** 26 });
prometheus.collectDefaultMetrics();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.get('/metrics', async () => prometheus.register.metrics());
app.post('/classify', async ({ body }) => {
  const { data, info } = await sharp(body).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const [top, left] = [(info.height - height) >> 1, (info.width - width) >> 1];
  const input = new Float32Array(3 * height * width);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        input[(c * height + y) * width + x] =
          (data[((y + top) * info.width + x + left) * 3 + c] / 255 - mean[c]) / std[c];
  const { logits } = await session.run({ input: new Tensor('float32', input, [1, 3, height, width]) });
  const powers = Array.from(logits.data, (value) => Math.exp(value - Math.max(...logits.data)));
  const sum = powers.reduce((a, b) => a + b);
  const top5 = powers
    .map((power, index) => ({ index, label: String(index), probability: power / sum }))
    .toSorted((a, b) => b.probability - a.probability)
    .slice(0, 5);
  return { predictions: [{ ...top5[0], top: top5 }] };
});
const url = await app.listen({ port: 0, host: '127.0.0.1' });
console.log(JSON.stringify({ url }));
process.once('SIGTERM', () => app.close());
