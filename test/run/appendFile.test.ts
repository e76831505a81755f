/** A file that only grows, on a disk that refuses for a while. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AppendFile, appendFile } from '../../src/run/appendFile.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

/** A file on a disk that takes `room` bytes, as long as it is not emptied. */
interface Narrow {
  readonly file: AppendFile;
  room: number;
  text(): Promise<string>;
}

async function narrow(room: number): Promise<Narrow> {
  const path = join(await temporaryFolder(), 'log');
  const handle = await open(path, 'a+');
  onTestFinished(() => handle.close().catch(() => undefined));
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
  const found: Narrow = {
    room,
    text: () => readFile(path, 'utf8'),
    file: appendFile(
      new Proxy(handle, {
        get(target, name) {
          if (name !== 'appendFile') {
            const value = Reflect.get(target, name);
            return typeof value === 'function' ? value.bind(target) : value;
          }
          return async (data: Buffer) => {
            const { size } = await target.stat();
            await target.appendFile(data.subarray(0, found.room - size));
            if (size + data.length > found.room) throw full;
          };
        },
      }) as FileHandle,
      path,
    ),
  };
  return found;
}

describe('a file that only grows', () => {
  it('keeps what a full disk refused, and writes it before what comes next', async () => {
    const disk = await narrow(10);
    await disk.file.append('first\n');
    expect(await codeOf(disk.file.append('second\n'))).toBe('ERR_FILE');
    expect(await codeOf(disk.file.append('third\n'))).toBe('ERR_FILE');
    disk.room = 100;
    await disk.file.append('fourth\n');
    expect(await disk.text()).toBe('first\nsecond\nthird\nfourth\n');
    await disk.file.close();
  });

  it('tries once more when it is closed', async () => {
    const disk = await narrow(3);
    expect(await codeOf(disk.file.append('first\n'))).toBe('ERR_FILE');
    disk.room = 100;
    await disk.file.close();
    expect(await disk.text()).toBe('first\n');
  });

  it('says when it is closed that something is missing', async () => {
    const disk = await narrow(3);
    expect(await codeOf(disk.file.append('first\n'))).toBe('ERR_FILE');
    expect(await codeOf(disk.file.close())).toBe('ERR_FILE');
    expect(await codeOf(disk.file.append('second\n'))).toBe('ERR_CLOSED');
  });

  it('has each text once and in order, where calls wait for nobody and some are refused', async () => {
    const disk = await narrow(40);
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}\n`);
    const calls = lines.map((line) => disk.file.append(line).catch(() => undefined));
    await Promise.all(calls);
    disk.room = 1000;
    await disk.file.close();
    expect(await disk.text()).toBe(lines.join(''));
  });
});
