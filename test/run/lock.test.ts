/** The lock of a run folder: one training at a time, and none that its process left behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockRun } from '../../src/run/lock.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { dist } from '../support/libtorch.ts';
import { loaded, noise, tinyModel } from '../support/training.ts';

const data = { train: noise(32), test: noise(8, 1) };

/** Another process that has the lock of a folder; resolves when it has. */
async function otherProcess(folder: string): Promise<ReturnType<typeof spawn>> {
  const program = `import { lockRun } from '${dist}run/lock.js';
    await lockRun(${JSON.stringify(folder)});
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

describe('the lock of a run folder', () => {
  it('is held by one at a time, and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const lock = await lockRun(folder);
    const refused = lockRun(folder);
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_BUSY',
      message: expect.stringContaining(`process ${process.pid} on `),
    });
    await lock.release();
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await (await lockRun(folder)).release();
  });

  it('is held by one at a time, however many ask for it at once', async () => {
    const folder = await temporaryFolder();
    let [inside, most, taken] = [0, 0, 0];
    const worker = async (): Promise<void> => {
      for (let round = 0; round < 40; round++) {
        const lock = await lockRun(folder).catch(() => null);
        if (lock === null) continue;
        most = Math.max(most, ++inside);
        taken++;
        await setImmediate();
        inside--;
        await lock.release();
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(most).toBe(1);
    expect(taken).toBeGreaterThan(8);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('ends with its process, by %s too', async (signal) => {
    const folder = await temporaryFolder();
    const child = await otherProcess(folder);
    await expect(lockRun(folder)).rejects.toMatchObject({
      code: 'ERR_BUSY',
      message: expect.stringContaining(`process ${child.pid} on `),
    });
    child.kill(signal);
    await once(child, 'exit');
    expect(await readdir(folder)).toEqual(['run.lock']);
    const lock = await lockRun(folder);
    expect(await readFile(join(folder, 'run.lock'), 'utf8')).toMatch(`process ${process.pid} on `);
    await lock.release();
  });

  it('goes with a folder that is moved away', async () => {
    const parent = await temporaryFolder();
    const folder = join(parent, 'a');
    await mkdir(folder);
    const lock = await lockRun(folder);
    await rename(folder, join(parent, 'b'));
    expect(await codeOf(lockRun(join(parent, 'b')))).toBe('ERR_BUSY');
    await lock.release();
  });

  it('cannot be where the folder is not', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    expect(await codeOf(lockRun(join(folder, 'none')))).toBe('ERR_FILE');
    expect(await codeOf(lockRun(join(folder, 'file')))).toBe('ERR_FILE');
  });
});

describe('a run folder that is in use', () => {
  it('is no folder for a second training, which leaves the first alone', async () => {
    const run = join(await temporaryFolder(), 'run');
    const first = train(await tinyModel(), data, { epochs: 1_000_000, batch: 16, run });
    let codes: string[] = [];
    for await (const event of first) {
      if (event.type !== 'checkpoint' || event.step < 4) continue;
      const model = await loaded(join(run, 'checkpoint.safetensors'));
      codes = [
        await codeOf(train(model, data, { resume: run }).then()),
        await codeOf(train(model, data, { run, batch: 16 }).then()),
      ];
      expect(model.training).toBe(false);
      break;
    }
    expect(codes).toEqual(['ERR_BUSY', 'ERR_RUN_EXISTS']);
    const { stopped, steps } = await first;
    expect({ stopped, names: await readdir(run) }).toEqual({
      stopped: true,
      names: expect.not.arrayContaining(['run.lock']),
    });
    const model = await loaded(join(run, 'checkpoint.safetensors'));
    const again = train(model, data, { resume: run });
    for await (const event of again)
      if (event.type === 'resume') expect(event.step).toBe(steps);
      else break;
  });

  it('is free again after a training that could not go on', async () => {
    const run = join(await temporaryFolder(), 'run');
    await train(await tinyModel(), data, { steps: 2, batch: 16, run });
    const model = await loaded(join(run, 'checkpoint.safetensors'));
    expect(await codeOf(train(model, data, { resume: run, batch: 8 }).then())).toBe('ERR_CONFIG');
    const busy = train(model, { train: noise(32) }, { steps: 1_000_000, batch: 16 });
    expect(await codeOf(train(model, data, { resume: run }).then())).toBe('ERR_BUSY'); // the model is
    await busy.stop();
    expect(await readdir(run)).not.toContain('run.lock');
    expect(await train(model, data, { resume: run })).toMatchObject({ steps: 2 });
  });
});
