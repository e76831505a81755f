/** A real Chromium, driven by its DevTools protocol over a pipe. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { must } from '../../src/must.ts';

/** The browser of this machine; undefined where there is none. */
export const chromium: string | undefined = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && path !== '' && existsSync(path));
if (chromium === undefined) console.warn('not run: what needs Chromium, which this machine has not');

type Params = Readonly<Record<string, unknown>>;
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: { readonly message: string };
}

/** A page of the browser. */
export interface Page {
  send(method: string, params?: Params): Promise<Params>;
  /** The value of an expression, awaited. */
  value<T>(expression: string): Promise<T>;
  /** Waits until an expression is true. */
  until(expression: string): Promise<void>;
  /** Presses a key: Tab, Enter. */
  press(key: 'Tab' | 'Enter'): Promise<void>;
  /** Chooses a file in the field with this id. */
  choose(id: string, path: string): Promise<void>;
  /** A picture of it, where LM_RESNET_SCREENSHOTS names a folder. */
  shoot(name: string): Promise<void>;
  /** What its console, its policy and its script complained of. */
  readonly complaints: readonly string[];
}

const codes = { Tab: 9, Enter: 13 } as const;

/** Opens a page; the browser ends with the test. */
export async function opened(url: string, width = 1000): Promise<Page> {
  const folder = await mkdtemp(join(tmpdir(), 'lm-resnet-browser-'));
  const child = spawn(
    must(chromium),
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--remote-debugging-pipe',
      `--user-data-dir=${folder}`,
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const { send, on } = protocolOf(child);
  onTestFinished(async () => {
    void send('Browser.close'); // it ends its own processes, which a signal would leave to write in its folder
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const session = String(sessionId);
  const page = pageOf((method, params) => send(method, params, session));
  const complaints = page.complaints as string[];
  on('Runtime.exceptionThrown', (params) => complaints.push(JSON.stringify(params)));
  on('Log.entryAdded', ({ entry }) => complaints.push(JSON.stringify(entry)));
  for (const part of ['Page', 'Runtime', 'Log', 'DOM']) await page.send(`${part}.enable`);
  const mobile = width < 600;
  await page.send('Emulation.setDeviceMetricsOverride', { width, height: 700, deviceScaleFactor: 1, mobile });
  const loaded = new Promise<void>((resolve) => on('Page.loadEventFired', () => resolve()));
  await page.send('Page.navigate', { url });
  await loaded;
  return page;
}

/** Messages end with a zero character. */
function protocolOf(child: ChildProcess) {
  const [input, output] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<number, (message: Message) => void>();
  const listeners: (readonly [method: string, listener: (params: Params) => void])[] = [];
  let rest = '';
  let last = 0;
  const take = (message: Message): void => {
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    for (const [method, listener] of listeners) if (method === message.method) listener(message.params ?? {});
  };
  output.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) take(JSON.parse(part) as Message);
  });
  input.on('error', () => undefined);
  return {
    on: (method: string, listener: (params: Params) => void) => void listeners.push([method, listener]),
    send: (method: string, params: Params = {}, sessionId?: string): Promise<Params> => {
      const id = ++last;
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return new Promise((resolve, reject) => {
        waiting.set(id, ({ result = {}, error }) =>
          error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`)),
        );
      });
    },
  };
}

function pageOf(send: Page['send']): Page {
  const value = async <T>(expression: string): Promise<T> => {
    const asked = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await send('Runtime.evaluate', asked);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value: T }).value;
  };
  return {
    send,
    value,
    complaints: [],
    until: async (expression) => {
      while (!(await value<boolean>(expression))) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    press: async (key) => {
      const pressed = { key, code: key, windowsVirtualKeyCode: codes[key] };
      const text = key === 'Enter' ? { text: '\r' } : {};
      await send('Input.dispatchKeyEvent', { type: 'keyDown', ...pressed, ...text });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', ...pressed });
    },
    choose: async (id, path) => {
      const { result } = await send('Runtime.evaluate', { expression: `document.getElementById('${id}')` });
      const { objectId } = result as { readonly objectId: string };
      await send('DOM.setFileInputFiles', { files: [path], objectId });
    },
    shoot: async (name) => {
      const folder = process.env.LM_RESNET_SCREENSHOTS;
      if (folder === undefined) return;
      const { data } = await send('Page.captureScreenshot', { format: 'png' });
      await writeFile(join(folder, `${name}.png`), Buffer.from(String(data), 'base64'));
    },
  };
}
