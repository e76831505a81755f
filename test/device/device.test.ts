/** What the test device does to programs that use a device wrongly: each kind of fault shows. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { dist, runNode } from '../support/libtorch.ts';
import { deviceLibrary, testDevice } from './testDevice.ts';

const device = testDevice();
afterEach(() => device.recover());

const refused: readonly [string, RegExp][] = [
  ['mix devices', /same device/],
  ['overwrite early', /changed before its copy/],
  ['use after free', /use after free/],
  ['use what was freed', /use after free/],
];
const senseless = ['miss an event', 'read early', 'leave unwritten'];
const fatal = ['read on the host', 'write on the host'];

describe('a program that uses the test device wrongly', () => {
  it.each(refused)('fails: %s', (mistake, message) => {
    expect(() => device.makeMistake(mistake)).toThrow(message);
  });

  it.each(senseless)('computes no number: %s', (mistake) => {
    expect(device.makeMistake(mistake)).toBeNaN();
  });

  it.each(fatal)('ends at once: %s', async (mistake) => {
    const ended = await runNode(`
      import { native } from ${JSON.stringify(pathToFileURL(join(dist, 'native/load.js')).href)};
      native();
      const module = { exports: {} };
      process.dlopen(module, ${JSON.stringify(deviceLibrary())});
      console.log('begins');
      console.log(module.exports.makeMistake(${JSON.stringify(mistake)}));
    `);
    expect(ended).toMatchObject({ signal: 'SIGSEGV', stdout: 'begins\n' });
  });

  it('is one of these', () => {
    expect(new Set(device.mistakes())).toEqual(
      new Set([...refused.map(([name]) => name), ...senseless, ...fatal]),
    );
  });
});

describe('the test device', () => {
  it('does nothing before the host waits, and counts that', () => {
    device.takeCounts();
    expect(device.makeMistake('leave unwritten')).toBeNaN();
    expect(device.takeCounts()).toMatchObject({ kernels: 2, toDevice: 0, toHost: 1, streamWaits: 1 });
  });
});
