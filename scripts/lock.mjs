// A lock between processes of this machine. Plain Node, no packages.
import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

/**
 * Runs `work` while no other process on this machine holds the lock `name`. The lock is an abstract Unix
 * socket: the kernel frees it when its holder dies, however it dies, so that there are no stale locks.
 */
export async function withLock(name, work, onWait = () => {}) {
  const address = `\0lm-resnet-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  const release = process.platform === 'linux' ? await acquire(address, onWait) : () => {};
  try {
    return await work();
  } finally {
    release();
  }
}

async function acquire(address, onWait) {
  for (let waited = false; ; waited = true) {
    const release = await listen(address);
    if (release !== null) return release;
    if (!waited) onWait();
    await untilReleased(address);
  }
}

/** Resolves to a function that gives the lock back, or to null when another process has it. */
function listen(address) {
  return new Promise((resolve, reject) => {
    const waiting = new Set();
    const server = createServer((socket) => {
      waiting.add(socket.on('error', () => {}).on('close', () => waiting.delete(socket)));
      socket.unref();
    });
    server.on('error', (error) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(address, () => {
      server.unref();
      resolve(() => {
        server.close();
        for (const socket of waiting) socket.destroy();
      });
    });
  });
}

function untilReleased(address) {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.on('error', () => {});
    socket.on('close', () => setTimeout(resolve, 10));
    socket.resume();
  });
}
