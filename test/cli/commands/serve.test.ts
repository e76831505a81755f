import { spawn } from 'node:child_process';
import { copyFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerTo, connected, noisePngBytes, savedTiny } from '../../serve/support.ts';
import { cli } from '../../support/cli.ts';
import { dist } from '../../support/libtorch.ts';

/** `lm-resnet serve` in a process of its own, once it listens. */
async function started(checkpoint: string, more: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const args = ['serve', checkpoint, '--port', '0', '--json', '--device', 'cpu', '--threads', '1', ...more];
  const child = spawn(process.execPath, [join(dist, 'cli', 'main.js'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { stderr: '' };
  child.stderr.on('data', (data) => {
    said.stderr += data;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data)));
    void ended.then((code) => reject(new Error(`ended with ${code}: ${said.stderr}`)));
  });
  const { url, model } = JSON.parse(line) as { readonly url: string; readonly model: string };
  return { child, url, model, said, ended };
}

describe('lm-resnet serve', () => {
  it('tells its address as JSON, answers, and ends with 0 at SIGTERM once what came in has its answer', async () => {
    const { child, url, model, ended, said } = await started(await savedTiny(), ['--max-batch', '1']);
    expect([model, said.stderr]).toEqual(['tiny', '']);
    const body = await noisePngBytes(1);
    expect((await fetch(`${url}/classify`, { method: 'POST', body })).status).toBe(200);
    const calls = Array.from({ length: 8 }, () => fetch(`${url}/classify`, { method: 'POST', body }));
    const answers = Promise.allSettled(calls);
    await calls[0];
    child.kill('SIGTERM');
    for (const answer of await answers)
      if (answer.status === 'fulfilled') expect(answer.value.status).toBe(200);
    expect(await ended).toBe(0);
  });

  it('drops none of the requests that were sent before SIGTERM, though they wait', async () => {
    const { child, url, ended } = await started(await savedTiny(), ['--max-batch', '1']);
    const body = await noisePngBytes(1);
    const head = `POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
    const port = Number(new URL(url).port);
    const sockets = await Promise.all(Array.from({ length: 64 }, () => connected(port)));
    const answers = sockets.map(answerTo(Buffer.concat([Buffer.from(head), body])));
    child.kill('SIGTERM');
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatch(/^HTTP\/1.1 200 /);
      expect(answer).toContain('"predictions":[{');
    }
    expect(await ended).toBe(0);
  });

  it('drops no request while it loads its file anew', async () => {
    const path = await savedTiny(1);
    const { child, url, said } = await started(path, ['--replicas', '2']);
    const body = await noisePngBytes(1);
    const statuses: number[] = [];
    let isOver = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) statuses.push((await fetch(`${url}/classify`, { method: 'POST', body })).status);
    });
    for (const seed of [2, 3, 4]) {
      await copyFile(await savedTiny(seed), path);
      const before = said.stderr.split('was loaded anew').length;
      child.kill('SIGHUP');
      while (said.stderr.split('was loaded anew').length === before)
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
    isOver = true;
    await Promise.all(clients);
    expect(statuses.length).toBeGreaterThan(8);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it('loads its file anew at SIGHUP, and goes on with the old model where it is torn', async () => {
    const path = await savedTiny(1);
    const { child, url, said } = await started(path);
    const body = await noisePngBytes(1);
    const ask = async (): Promise<unknown> => {
      const answer = await (await fetch(`${url}/classify`, { method: 'POST', body })).json();
      return (answer as { readonly predictions: unknown }).predictions;
    };
    const told = async (text: string): Promise<void> => {
      while (!said.stderr.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const before = await ask();
    await copyFile(await savedTiny(2), path);
    child.kill('SIGHUP');
    await told('was loaded anew');
    const after = await ask();
    expect(after).not.toEqual(before);
    await truncate(path, 4000);
    child.kill('SIGHUP');
    await told('the old model goes on; error ERR_CHECKPOINT');
    expect(await ask()).toEqual(after);
  });

  it('asks for the key of its environment', async () => {
    const { url } = await started(await savedTiny(), [], { LM_RESNET_API_KEY: 'secret' });
    expect((await fetch(`${url}/model`)).status).toBe(401);
    expect((await fetch(`${url}/model`, { headers: { authorization: 'Bearer secret' } })).status).toBe(200);
  });

  it.each([
    { title: 'a file that is not there', args: ['no-such.safetensors'], code: 3 },
    { title: 'a port out of range', args: ['MODEL', '--port', '70000'], code: 2 },
    { title: 'an unknown flag', args: ['MODEL', '--prot', '1'], code: 2 },
    { title: 'no model', args: [], code: 2 },
    { title: 'an address that is not here', args: ['MODEL', '--host', '192.0.2.1'], code: 3 },
  ])('ends with $code for $title', async ({ args, code }) => {
    const path = await savedTiny();
    const ended = await cli(['serve', ...args.map((arg) => (arg === 'MODEL' ? path : arg)), '--json']);
    expect(ended.code).toBe(code);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: expect.stringMatching(/^ERR_/) } });
  });
});
