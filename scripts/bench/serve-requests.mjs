// The requests of serve-faults.mjs: good ones in every form, and those that strangers, broken clients and bad
// networks send. Each says which status it may have; what is answered with 200 must be what the model says.
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import sharp from 'sharp';

const agent = new Agent({ keepAlive: true, maxSockets: 512 });

/** Pictures of noise in three formats. */
export async function pictures(side, count) {
  const formats = ['png', 'jpeg', 'webp'];
  return Promise.all(
    Array.from({ length: count }, (_, i) => {
      const data = Buffer.alloc(side * side * 3);
      let state = i + 1;
      for (let at = 0; at < data.length; at++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        data[at] = (state >>> 24) * (i % 7 === 0 ? 1 : 0.3) + ((i * 16) % 180);
      }
      const image = sharp(data, { raw: { width: side, height: side, channels: 3 } });
      return image.toFormat(formats[i % formats.length]).toBuffer();
    }),
  );
}

/** One request over a connection that is kept; resolves to status and body. */
function ask(
  port,
  { method = 'POST', path = '/classify', headers = {}, body, chunked = false, leave = false },
) {
  return new Promise((resolve, reject) => {
    const length = body === undefined || chunked ? {} : { 'content-length': body.length };
    const sent = request({ port, method, path, agent, headers: { ...headers, ...length } }, (response) => {
      if (leave) {
        response.destroy();
        resolve({ status: 0 });
        return;
      }
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(parts) }));
    });
    sent.on('error', reject);
    if (chunked && body.length > 0)
      for (let at = 0; at < body.length; at += 65_536) sent.write(body.subarray(at, at + 65_536));
    else if (body !== undefined) sent.write(body);
    sent.end();
  });
}

/** Bytes as they are; `stay`: waits for an answer, else leaves after so many milliseconds. */
function raw(port, parts, { stay = true, after = 3 } = {}) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const [head, ...rest] = text.split('\r\n\r\n');
      resolve({
        status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1] ?? 0),
        body: Buffer.from(rest.join('\r\n\r\n')),
      });
    });
    for (const part of parts) socket.write(part);
    if (!stay) setTimeout(() => socket.destroy(), after);
  });
}

const head = (length, type = 'image/png') =>
  `POST /classify HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;

function form(files, field = 'image') {
  const boundary = 'a1b2c3';
  const parts = files.flatMap((bytes, i) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${i}.png"\r\n\r\n`,
    bytes,
    '\r\n',
  ]);
  const body = Buffer.concat([...parts, `--${boundary}--\r\n`].map((part) => Buffer.from(part)));
  return { headers: { 'content-type': `multipart/form-data; boundary=${boundary}` }, body };
}

const json = (value) => ({
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
});

/** A tensor of files as bytes behind the JSON. */
function binary(files, size) {
  const lengths = files.map(({ length }) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(length);
    return bytes;
  });
  const data = Buffer.concat(files.flatMap((file, i) => [lengths[i], file]));
  const parameters = { binary_data_size: size ?? data.length };
  const text = Buffer.from(
    JSON.stringify({ inputs: [{ name: 'image', datatype: 'BYTES', shape: [files.length], parameters }] }),
  );
  return {
    headers: { 'inference-header-content-length': String(text.length) },
    body: Buffer.concat([text, data]),
  };
}

/** What a request that should succeed is of: pictures, whose probabilities its answer must have. */
const answered = (...indices) => ({ statuses: [200, 503], indices });
const refused = (...statuses) => ({ statuses: [...statuses, 503] });

/** All kinds of requests; `send(i)` sends the i-th of them. */
export function kindsOf({ port, images, name, maxBody }) {
  const at = (i) => i % images.length;
  const base64 = (i) => images[at(i)].toString('base64');
  const infer = `/v2/models/${name}/infer`;
  const png = images[0];
  const bomb = Buffer.from(png); // claims 60,000 x 60,000 pixels
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  const many = form(Array.from({ length: 33 }, () => png));
  const file = (body, type = 'application/octet-stream') => ({ headers: { 'content-type': type }, body });
  const huge = Buffer.alloc(maxBody + 1);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>';
  const row = (send, expects, count = 1) => ({ send, expects, count });
  const bad = (sent, ...statuses) =>
    row(
      () => ask(port, sent),
      () => refused(...statuses),
    );
  return {
    good: row(
      (i) => ask(port, file(images[at(i)], 'image/png')),
      (i) => answered(at(i)),
      12,
    ),
    goodForm: row(
      (i) => ask(port, form([0, 1, 2].map((k) => images[at(i + k)]))),
      (i) => answered(...[0, 1, 2].map((k) => at(i + k))),
      2,
    ),
    goodJson: row(
      (i) => ask(port, json({ images: [base64(i), base64(i + 1)], topK: 3 })),
      (i) => answered(at(i), at(i + 1)),
      2,
    ),
    goodInfer: row(
      (i) => ask(port, { path: infer, ...binary([images[at(i)]]) }),
      (i) => answered(at(i)),
      2,
    ),
    goodChunked: row(
      (i) => ask(port, { ...file(images[at(i)]), chunked: true }),
      (i) => answered(at(i)),
      1,
    ),
    torn: row(
      (i) => ask(port, file(images[at(i)].subarray(0, images[at(i)].length >> 1))),
      () => ({ statuses: [200, 400, 503] }),
    ),
    tornHead: bad(file(png.subarray(0, 20)), 400),
    bomb: bad(file(bomb), 400),
    noise: bad(file(Buffer.alloc(500, 7)), 400),
    empty: bad(file(Buffer.alloc(0)), 400),
    svg: bad(file(Buffer.from(svg), 'image/svg+xml'), 400),
    wrongType: bad(file(Buffer.from('image=cat.jpg'), 'text/plain'), 415),
    badJson: bad(json('{"image":'), 400),
    deepJson: bad(json(`${'['.repeat(20_000)}${']'.repeat(20_000)}`), 400),
    badBase64: bad(json({ image: '/etc/passwd?' }), 400),
    bothImages: bad(json({ image: 'AAAA', images: [] }), 400),
    badForm: bad({ headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: png }, 400),
    formOfMany: bad(many, 413),
    oneTorn: bad(form([png, png.subarray(0, 30)]), 400),
    noRoute: bad({ path: '/../../etc/passwd' }, 404),
    noMethod: bad({ method: 'DELETE' }, 405),
    badTopK: bad({ ...file(png), path: '/classify?topK=-1' }, 400),
    noModel: bad({ path: '/v2/models/none/infer', ...json({ inputs: [] }) }, 400, 404),
    badShape: bad(
      {
        path: infer,
        ...json({ inputs: [{ name: 'pixels', datatype: 'UINT8', shape: [1e9, 1], data: [] }] }),
      },
      400,
      413,
    ),
    badSize: bad({ path: infer, ...binary([png], 10) }, 400),
    hugeChunked: row(
      () => ask(port, { ...file(huge), chunked: true }).catch(() => ({ status: 413 })), // reset while it sends
      () => refused(413),
    ),
    hugeLength: row(
      () => raw(port, [head(99_999_999_999), png]),
      () => refused(413),
    ),
    notHttp: row(
      () => raw(port, ['\x16\x03\x01\x02\x00hello\r\n\r\n']),
      () => refused(400),
    ),
    longHeader: row(
      () => raw(port, [`GET / HTTP/1.1\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`]),
      () => refused(413, 431),
    ),
    short: row(
      () => raw(port, [head(png.length + 100), png], { stay: false }),
      () => refused(0),
    ),
    leavesSending: row(
      () => raw(port, [head(png.length), png.subarray(0, 50)], { stay: false }),
      () => refused(0),
    ),
    leavesWaiting: row(
      () => raw(port, [head(png.length), png], { stay: false, after: 1 }),
      () => refused(0, 200),
    ),
    leavesReading: row(
      (i) => ask(port, { ...file(images[at(i)]), leave: true }),
      () => refused(0),
    ),
  };
}

/** A body that does not come: answered with 408 once its time is over. */
export function slow(port) {
  return raw(port, [head(100_000), 'a']);
}
