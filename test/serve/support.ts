/** A saved model of random weights, and servers of it. */
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { writeImage } from '../../src/images/writeImage.ts';
import { Classifier } from '../../src/serve/classifier.ts';
import { type ClassifierServer, type ServeOptions, serveClassifier } from '../../src/serve/http/server.ts';
import type { ClassifierOptions } from '../../src/serve/options.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';
import { tinyModel } from '../support/training.ts';

export const classNames: readonly string[] = ['a', 'b', 'c', 'd'];

/** A checkpoint of `tiny` with classes a to d. */
export async function savedTiny(seed = 1, dtype: 'float32' | 'float64' = 'float32'): Promise<string> {
  const path = join(await temporaryFolder(), 'model.safetensors');
  const model = await tinyModel({ seed, dtype, classNames });
  await model.save(path);
  return path;
}

/** A PNG file of noise. */
export async function noisePng(seed: number): Promise<string> {
  const path = join(await temporaryFolder(), `${seed}.png`);
  await writeImage(path, noiseBytes(64, seed), { height: 8, width: 8, channels: 1 });
  return path;
}

/** Bytes of a PNG file of noise. */
export async function noisePngBytes(seed: number): Promise<Buffer<ArrayBuffer>> {
  return Buffer.from(await readFile(await noisePng(seed)));
}

/** A classifier, closed when the test has finished. */
export async function openedTiny(options: ClassifierOptions = {}, path?: string): Promise<Classifier> {
  const classifier = await Classifier.open(path ?? (await savedTiny()), {
    device: 'cpu',
    threads: 1,
    ...options,
  });
  onTestFinished(() => classifier.close());
  return classifier;
}

/** A server of a classifier, closed when the test has finished; what it fails with fails the test. */
export async function served(
  options: ServeOptions = {},
  classifier?: Classifier,
): Promise<ClassifierServer & { readonly classifier: Classifier }> {
  const used = classifier ?? (await openedTiny());
  const server = await serveClassifier(used, { port: 0, ...options });
  onTestFinished(() => server.close());
  return { ...server, classifier: used };
}

/** Sends bytes as they are, and gives all that is answered until the other side ends. */
export function sendRaw(port: number, parts: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    for (const part of parts) socket.write(part);
  });
}

/** A connection that stands. */
export function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Sends bytes at once, and gives all that is answered until the other side ends. */
export function answerTo(bytes: Uint8Array): (socket: Socket) => Promise<string> {
  return (socket) => {
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.write(bytes);
    return new Promise((resolve) => socket.on('close', () => resolve(text)));
  };
}
