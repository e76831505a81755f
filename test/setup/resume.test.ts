/** Downloads that were cut short: pip goes on where a server lets it. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { requirePython, runPython } from '../../src/setup/pip.ts';
import { bytesBelow } from '../../src/setup/size.ts';
import { temporaryFolder } from '../support/libtorch.ts';

const name = 'lmthing-1.0-py3-none-any.whl';

/** A wheel with 300 kB that do not compress. */
function makeWheel(): Buffer {
  const folder = temporaryFolder();
  const program = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
  z.writestr('lmthing-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: lmthing\\nVersion: 1.0\\n')
  z.writestr('lmthing-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
  z.writestr('lmthing-1.0.dist-info/RECORD', '')
  z.writestr('lmthing.bin', bytes.fromhex(sys.stdin.read()))`;
  execFileSync('python3', ['-c', program, join(folder, name)], {
    input: randomBytes(300_000).toString('hex'),
  });
  return readFileSync(join(folder, name));
}

interface Server {
  readonly url: string;
  /** Ranges that were asked for, one for each request of the wheel; '' for the whole. */
  readonly asked: string[];
  /** Bytes after which the connection breaks; null: never. */
  breaksAfter: number | null;
  ranges: boolean;
  wheel: Buffer;
}

/** An index of one wheel, whose connection breaks when it is told to. */
async function serve(): Promise<Server> {
  const state = {
    url: '',
    asked: [] as string[],
    breaksAfter: null,
    ranges: true,
    wheel: makeWheel(),
  } as Server;
  const send = (response: ServerResponse, range: string | undefined, ifRange: string | undefined): void => {
    state.asked.push(range ?? '');
    const etag = `"${createHash('sha256').update(state.wheel).digest('hex')}"`;
    const honoured = range !== undefined && state.ranges && (ifRange === undefined || ifRange === etag);
    const from = honoured ? Number(/\d+/.exec(range)?.[0]) : 0;
    const body = state.wheel.subarray(from);
    const span = `bytes ${from}-${state.wheel.length - 1}/${state.wheel.length}`;
    response.writeHead(honoured ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(honoured ? { 'content-range': span } : {}),
    });
    if (state.breaksAfter === null) return void response.end(body);
    response.write(body.subarray(0, state.breaksAfter), () => response.destroy());
  };
  const server = createServer(({ url = '', headers }, response) => {
    if (url.endsWith('.whl')) return send(response, headers.range, headers['if-range']?.toString());
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="/${name}">${name}</a>`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
}

/** Has pip install from the index, as `setup` does. */
function client({ url }: Server) {
  const [scratch, target, downloads] = [
    temporaryFolder(),
    temporaryFolder(),
    join(temporaryFolder(), 'kept'),
  ];
  const env = { ...process.env, PIP_CONFIG_FILE: '/dev/null', PIP_NO_CACHE_DIR: '1', PIP_FIND_LINKS: '' };
  const from = ['--no-index', '--find-links', url, '--no-deps', '--retries', '0', '--timeout', '15'];
  const args = [
    '-m',
    'pip',
    'install',
    '--disable-pip-version-check',
    ...from,
    '--target',
    target,
    'lmthing',
  ];
  const install = (): Promise<void> =>
    runPython(requirePython(process.env, { pip: true }), args, { env, scratch, downloads });
  return { install, downloads, installed: () => existsSync(join(target, 'lmthing.bin')) };
}

describe('a download that broke off', () => {
  it('goes on from where it was, and asks for nothing that it has', async () => {
    const server = await serve();
    const { install, downloads, installed } = client(server);
    server.breaksAfter = 100_000;
    await expect(install()).rejects.toMatchObject({
      code: 'ERR_SETUP',
      message: expect.stringMatching(/ended after 100000 of \d+ bytes/),
    });
    const kept = await bytesBelow(downloads);
    expect(kept).toBeGreaterThanOrEqual(100_000);
    server.breaksAfter = null;
    await install();
    expect(server.asked).toEqual(['', 'bytes=100000-']);
    expect(installed()).toBe(true);
    await install();
    expect(server.asked).toHaveLength(2);
  }, 60_000);

  it.each<[string, (server: Server) => void]>([
    ['the server knows no ranges', (server) => Object.assign(server, { ranges: false })],
    ['the file is another by then', (server) => Object.assign(server, { wheel: makeWheel() })],
  ])(
    'begins anew where %s',
    async (_, change) => {
      const server = await serve();
      const { install, installed } = client(server);
      server.breaksAfter = 100_000;
      await expect(install()).rejects.toMatchObject({ code: 'ERR_SETUP' });
      Object.assign(server, { breaksAfter: null });
      change(server);
      await install();
      expect(server.asked).toEqual(['', 'bytes=100000-']);
      expect(installed()).toBe(true);
    },
    60_000,
  );
});
