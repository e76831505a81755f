/** How much lies in a folder, and telling of it while it grows. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of all files below a folder; what vanishes meanwhile counts as nothing. */
export async function bytesBelow(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (stats) => (stats.isFile() ? stats.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Runs `work`, and every few seconds tells how much it has put into a folder, if that grew. */
export async function watched<T>(
  folder: string,
  say: (line: string) => void,
  work: () => Promise<T>,
  everyMs = 3000,
): Promise<T> {
  let told = 0;
  const timer = setInterval(async () => {
    const megabytes = Math.round((await bytesBelow(folder)) / 1e6);
    if (megabytes > told) say(`  ${megabytes} MB so far`);
    told = Math.max(told, megabytes);
  }, everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
