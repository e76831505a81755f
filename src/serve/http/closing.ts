/** How a server ends: what was sent to it has its answer, and who sends nothing does not hold it up. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate, setTimeout as waited } from 'node:timers/promises';

/**
 * Milliseconds that a closing server still listens: what was sent to it meanwhile is answered, and told that
 * its connection ends. Then it closes once nothing more comes, or at the latest after so many.
 */
const lingerMs = 100;
const longestLingerMs = 2000;

/** Milliseconds in which the headers of a request, and all of it, must be there. */
export interface Arrival {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** The end of a server. */
export interface Closing {
  /** Whether it has begun. */
  readonly begun: boolean;
  /**
   * Waits for what was sent to the server. Node looks no more after requests that do not arrive in time once
   * it closes, so connections that nothing came from end here, and others when their time is over.
   */
  begin(): Promise<void>;
  /** Ends what `begin` still had to do. */
  end(): void;
}

/** Looks after the connections of a server. */
export function closingOf(server: Server, { headersTimeoutMs, requestTimeoutMs }: Arrival): Closing {
  /** Requests of every connection that have no whole answer yet. */
  const connections = new Map<Socket, Set<IncomingMessage>>();
  let arrivals = 0;
  server.on('connection', (socket: Socket) => {
    arrivals++;
    connections.set(socket, new Set());
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    arrivals++;
    const open = connections.get(request.socket);
    open?.add(request);
    response.once('close', () => open?.delete(request));
  });
  const endThose = (which: (socket: Socket, open: readonly IncomingMessage[]) => boolean): void => {
    for (const [socket, open] of connections) if (which(socket, [...open])) socket.destroy();
  };
  let begun = false;
  const timers: NodeJS.Timeout[] = [];
  return {
    get begun() {
      return begun;
    },
    async begin() {
      begun = true;
      timers.push(
        setTimeout(() => endThose((_, open) => open.length === 0), headersTimeoutMs),
        setTimeout(() => endThose((_, open) => open.some(({ complete }) => !complete)), requestTimeoutMs),
      );
      await waited(lingerMs);
      await settled(() => arrivals);
      endThose(({ bytesRead }) => bytesRead === 0);
    },
    end() {
      for (const timer of timers.splice(0)) clearTimeout(timer);
    },
  };
}

/**
 * Waits until the event loop has asked the system several times for what came, and there was nothing: a timer
 * alone may be over before a busy process has read what was sent to it long ago.
 */
async function settled(count: () => number): Promise<void> {
  const end = performance.now() + longestLingerMs;
  for (let quiet = 0; quiet < 4 && performance.now() < end; ) {
    const before = count();
    await setImmediate();
    quiet = count() === before ? quiet + 1 : 0;
  }
}
