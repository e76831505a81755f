/** The end of a server to which clients hold connections. */
import { describe, expect, it } from 'vitest';
import { answerTo, connected, noisePngBytes, openedTiny, served } from '../support.ts';

const times = { headersTimeoutMs: 100, requestTimeoutMs: 200 };
const head = (length: number): string =>
  `POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

describe('a server that closes', () => {
  it.each([
    { title: 'nothing, as browsers do beforehand', sent: '' },
    { title: 'half of the headers of a request', sent: 'POST /classify HTTP/1.1\r\nHost' },
    { title: 'half of a request', sent: `${head(1000)}half` },
    {
      title: 'a request, answered, and half of another',
      sent: 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /he',
    },
  ])('is not held up by a client that sends $title', async ({ sent }) => {
    const server = await served(times);
    const socket = await connected(server.port);
    const ended = answerTo(Buffer.from(sent))(socket);
    // It has come when another client has had its answer.
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await server.close();
    await ended;
  });

  it('ends connections of which nothing came at once, whatever time requests have', async () => {
    const server = await served({ headersTimeoutMs: 3_600_000, requestTimeoutMs: 3_600_000 });
    const sockets = await Promise.all([connected(server.port), connected(server.port)]);
    const ended = sockets.map(answerTo(Buffer.alloc(0)));
    await server.close();
    expect(await Promise.all(ended)).toEqual(['', '']);
  });

  it('answers a request that came whole, however long that takes', async () => {
    const classifier = await openedTiny({ maxBatch: 4, maxDelayMs: 600 });
    const server = await served(times, classifier);
    const body = await noisePngBytes(1);
    const socket = await connected(server.port);
    const answer = answerTo(Buffer.concat([Buffer.from(head(body.length)), body]))(socket);
    while (classifier.stats().queue.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await server.close();
    expect(await answer).toMatch(/^HTTP\/1.1 200 /);
  });
});
