/** What `device` comes to: the CPU and what is said of it, a device of CUDA, or ERR_DEVICE. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkDevice, fallbackNote } from '../../src/model/device.ts';
import { type CudaFacts, driverRelease } from '../../src/setup/driver.ts';
import { thrown } from '../support/errors.ts';
import { dist, driverlessLibtorch, runNode, temporaryFolder } from '../support/libtorch.ts';

const cpu = { flavour: 'cpu', version: '2.13.0+cpu' } as const;
const cuda = { flavour: 'cuda', version: '2.13.0+cu130' } as const;

/** Facts of a machine, what is wrong with it, and whether `auto` has something to say. */
const machines: [string, CudaFacts, RegExp, boolean][] = [
  [
    'neither',
    { libtorch: cpu, devices: 0, driver: false },
    /2\.13\.0\+cpu\) is without CUDA.*--cuda/s,
    false,
  ],
  ['a driver alone', { libtorch: cpu, devices: 0, driver: true }, /is without CUDA.*--cuda/s, true],
  ['CUDA alone', { libtorch: cuda, devices: 0, driver: false }, /no driver.*Install the driver/s, true],
  [
    'a driver that is too old',
    { libtorch: cuda, devices: 0, driver: true, release: '535.104.05' },
    /driver, 535\.104\.05, is too old .*needs 580 or newer.*Install a newer driver/s,
    true,
  ],
  [
    'a driver that is new enough, but no GPU seen',
    { libtorch: { ...cuda, version: '2.13.0+cu126' }, devices: 0, driver: true, release: '535.104.05' },
    /no GPU is seen/,
    true,
  ],
  [
    'no GPU seen',
    { libtorch: cuda, devices: 0, driver: true },
    /no GPU is seen.*CUDA_VISIBLE_DEVICES/s,
    true,
  ],
];

describe('a device of CUDA', () => {
  it.each(machines)('is ERR_DEVICE with what to do on a machine with %s', (_, facts, text) => {
    for (const wanted of ['cuda', 'cuda:0']) {
      const error = thrown(() => checkDevice(wanted, facts));
      expect(error).toMatchObject({ code: 'ERR_DEVICE', text: expect.stringMatching(text) });
      expect(error.text).toContain(`"${wanted}"`);
    }
  });

  it.each([
    ['cuda', 1, true],
    ['cuda:0', 1, true],
    ['cuda:1', 2, true],
    ['cuda:1', 1, false],
    ['cuda:2', 2, false],
  ])('%s of %i is there: %s', (wanted, devices, there) => {
    const facts = { libtorch: cuda, devices, driver: true };
    if (there) expect(checkDevice(wanted, facts)).toBe(wanted);
    else expect(thrown(() => checkDevice(wanted, facts)).text).toContain('cuda:0');
  });
});

describe('the release of a driver', () => {
  it.each([
    [
      'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version: 12.3.0\n',
      '535.104.05',
    ],
    [
      'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (root@host)\n',
      '580.65.06',
    ],
    ['something else\n', null],
  ])('is read of what it says of itself: %j', (text, release) => {
    const file = join(temporaryFolder(), 'version');
    writeFileSync(file, text);
    expect(driverRelease(file)).toBe(release);
  });

  it('is unknown where there is none', () => {
    expect(driverRelease(join(temporaryFolder(), 'version'))).toBeNull();
  });
});

describe('auto', () => {
  it.each(machines)('says why it is the CPU where that is a surprise: %s', (_, facts, text, surprise) => {
    const note = fallbackNote(facts);
    expect(note === null).toBe(!surprise);
    if (surprise) expect(note).toMatch(text);
  });

  it('says nothing where there is a device', () => {
    expect(fallbackNote({ libtorch: cuda, devices: 1, driver: true })).toBeNull();
  });

  it('is the CPU, told once as a warning of Node, and `cpu` says nothing', async () => {
    const program = (devices: readonly string[]) => `
      const { init, Model, preset } = await import(${JSON.stringify(join(dist, 'index.js'))});
      init({ libtorch: ${JSON.stringify(driverlessLibtorch(temporaryFolder()))}, threads: 1 });
      for (const device of ${JSON.stringify(devices)}) {
        const model = await Model.create(preset('lm_resnet20'), { device });
        console.log(model.device);
        await model.close();
      }`;
    const told = await runNode(program(['auto', 'auto']));
    expect(told).toMatchObject({ code: 0, stdout: 'cpu\ncpu\n' });
    expect(told.stderr.match(/\[LM_RESNET_DEVICE\].*device auto computes on the CPU/g)).toHaveLength(1);
    expect(await runNode(program(['cpu']))).toMatchObject({ stdout: 'cpu\n', stderr: '' });
  });

  it('is told by the command line as a note', async () => {
    const file = JSON.stringify(join(temporaryFolder(), 'model.safetensors'));
    const libtorch = JSON.stringify(driverlessLibtorch(temporaryFolder()));
    const program = (...flags: string[]) => `
      const { init, Model, preset } = await import(${JSON.stringify(join(dist, 'index.js'))});
      const { runCommand } = await import(${JSON.stringify(join(dist, 'cli/program.js'))});
      init({ libtorch: ${libtorch}, threads: 1 });
      const model = await Model.create(preset('lm_resnet20'), { device: 'cpu' });
      await model.save(${file});
      await model.close();
      await runCommand(['analyze', ${file}, '--threads', '1', '--json', ...${JSON.stringify(flags)}]);`;
    const note = /^note: device auto computes on the CPU/m;
    expect((await runNode(program())).stderr).toMatch(note);
    expect((await runNode(program('--device', 'cpu'))).stderr).not.toMatch(note);
  }, 30_000);
});
