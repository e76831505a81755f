// What a user's ES module does: train, save, load, predict a file, serve, ask the service.
import { parentPort } from 'node:worker_threads';
import { Classifier, createModel, imageSet, init, Model, serveClassifier, train } from 'lm-resnet';
import { createClient } from 'lm-resnet/client';

const [, , picture, run] = process.argv;
init({ threads: 1 });
const images = Uint8Array.from({ length: 8 * 12 * 12 }, (_, i) => (i * 37) % 256);
const labels = [0, 1, 0, 1, 0, 1, 0, 1];
const set = imageSet({ images, labels, height: 12, width: 12, channels: 1 });
const model = await createModel('lm_resnet20', { classes: 2, input: [1, 12, 12], seed: 1 });
const { steps } = await train(model, { train: set }, { batch: 8, epochs: 2, run });
const loaded = await Model.load(`${run}/checkpoint.safetensors`);
const [first] = await loaded.predict(picture);
if (steps !== 2 || !(first.probability > 0)) throw new Error('the installed package does not work');
await loaded.close();
await model.close();

const classifier = await Classifier.open(`${run}/checkpoint.safetensors`);
const server = await serveClassifier(classifier, { port: 0 });
const { label } = await createClient({ url: server.url }).classify(Buffer.from('P5 2 2 255\nabcd'));
if (label !== '0' && label !== '1') throw new Error('the installed client does not work');
await server.close();
await classifier.close();
parentPort?.postMessage('done');
