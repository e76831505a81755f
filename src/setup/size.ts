/** How much lies in a folder, and telling of it while it grows. */
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Bytes of all files below a folder; what vanishes meanwhile counts as nothing. */
export async function bytesBelow(folder: string): Promise<number> {
  const sizes = (await filesBelow(folder)).map(([, size]) => size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** What pip has done in its folder of temporary files: bytes of wheels, and of what it took out of them. */
export async function bytesOfPip(folder: string): Promise<{ downloaded: number; unpacked: number }> {
  const bytes = { downloaded: 0, unpacked: 0 };
  for (const [name, size] of await filesBelow(folder)) {
    if (name.endsWith('.whl')) bytes.downloaded += size;
    // What lies there without a folder is a second copy of a download, on its way into pip's cache.
    else if (dirname(name) !== '.') bytes.unpacked += size;
  }
  return bytes;
}

/** Names, relative to the folder, and sizes; a folder that goes away meanwhile has no files. */
async function filesBelow(folder: string, below = ''): Promise<(readonly [name: string, size: number])[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
  const files = entries.map(async (entry) => {
    const name = join(below, entry.name);
    if (entry.isDirectory()) return filesBelow(folder, name);
    const stats = entry.isFile() ? await lstat(join(folder, name)).catch(() => null) : null;
    return stats === null ? [] : [[name, stats.size] as const];
  });
  return (await Promise.all(files)).flat();
}

/** Runs `work`, and every few seconds tells what `look` says, if that changed. */
export async function watched<T>(
  look: () => Promise<string>,
  say: (line: string) => void,
  work: () => Promise<T>,
  everyMs = 3000,
): Promise<T> {
  let told = '';
  const timer = setInterval(async () => {
    const line = await look();
    if (line !== told && line !== '') say(line);
    told = line;
  }, everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
