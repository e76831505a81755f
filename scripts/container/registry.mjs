// A registry of npm on this machine that has the packages of a folder of tarballs, and sends whoever asks for
// another one to the registry that npm is set up for.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

/** @returns {Promise<{ url: string, close(): void }>} listening on 127.0.0.1. */
export async function openRegistry(folder) {
  const upstream = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const files = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const packages = new Map(files.map((file) => readPackage(folder, file)));
  const server = createServer(({ url }, response) => {
    const name = decodeURIComponent(url.slice(1));
    const file = /^tarballs\/([\w.-]+\.tgz)$/.exec(name)?.[1];
    if (file !== undefined && files.includes(file)) return response.end(readFileSync(join(folder, file)));
    const manifest = packages.get(name);
    if (manifest === undefined) {
      return response.writeHead(307, { location: new URL(url.slice(1), upstream).href }).end();
    }
    const own = `http://127.0.0.1:${server.address().port}/tarballs/`;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(listing(manifest, own)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

function readPackage(folder, file) {
  const args = ['-xzOf', join(folder, file), 'package/package.json'];
  const manifest = JSON.parse(execFileSync('tar', args, { encoding: 'utf8' }));
  const integrity = `sha512-${createHash('sha512')
    .update(readFileSync(join(folder, file)))
    .digest('base64')}`;
  return [manifest.name, { manifest, file, integrity }];
}

function listing({ manifest, file, integrity }, own) {
  const { name, version } = manifest;
  const dist = { tarball: `${own}${file}`, integrity };
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
}
