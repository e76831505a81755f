/**
 * The device of `library`: memory that the host cannot touch, work that is done as late as it may be. It is
 * `testdevice:0` to the addon.
 */
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { GraphSpec } from '../../src/graph/spec.ts';
import type { NativeAddon, NativeModelOptions } from '../../src/native/binding.ts';
import { findBinaries } from '../../src/setup/binaries.ts';
import { addon } from '../support/addon.ts';

/** Work of the device, and times that the host waited for it. */
export interface DeviceCounts {
  readonly kernels: number;
  readonly toDevice: number;
  readonly toHost: number;
  /** Of recorded work. */
  readonly replays: number;
  /** Waits for all work of a stream: reading a number is one. */
  readonly streamWaits: number;
  readonly eventWaits: number;
  readonly liveBytes: number;
  /** The most since `limitMemory`. */
  readonly peakBytes: number;
}

/**
 * A kind of call that the device ignores, as if the program had not made it; `noKernels`: it has none of
 * ours, and libtorch's functions are all there are; `foreignKernels`: ours have code for other devices;
 * `noRecordings`, `brokenRecordings`: to record work fails at the beginning, or at the end.
 */
export type DeviceFault =
  | 'noWaitsOfCopies'
  | 'noWaitsOfKernels'
  | 'noHostWaits'
  | 'noCopies'
  | 'noKernels'
  | 'foreignKernels'
  | 'noRecordings'
  | 'brokenRecordings';

export interface TestDevice {
  /** Programs that each use a device wrongly. */
  mistakes(): string[];
  /** The number that such a program comes to, where nothing stops it. */
  makeMistake(name: string): number;
  /** What happened since the last call. */
  takeCounts(): DeviceCounts;
  /**
   * `late` (at first): work is done when the host waits for it. `ahead`: that of streams beside the default
   * one at once.
   */
  setSchedule(schedule: 'late' | 'ahead'): void;
  /** So many bytes may be in use. */
  limitMemory(bytes: number): void;
  /** The device is lost after so many further pieces of work. */
  loseAfter(pieces: number): void;
  /** It is lost, and the piece of work that is given behind so many others says so. */
  loseAtLaunch(pieces: number): void;
  recover(): void;
  setFault(fault: DeviceFault, on: boolean): void;
}

/** What the addon calls it. */
export const deviceName = 'testdevice:0';

let loaded: TestDevice | null = null;

/** The test device, registered with the libtorch of the addon. */
export function testDevice(): TestDevice {
  addon();
  loaded ??= load(deviceLibrary());
  return loaded;
}

/** Its library, which needs that of the addon's libtorch to be open. */
export function deviceLibrary(): string {
  return join(dirname(findBinaries().opener), 'test', 'test_device.node');
}

function load(file: string): TestDevice {
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, file, constants.dlopen.RTLD_NOW);
  return module.exports as TestDevice;
}

/** In the tests of this file `cuda` is the test device, for models of this process. */
export function deviceAsCuda(): TestDevice {
  const own = addon() as { -readonly [K in keyof NativeAddon]: NativeAddon[K] };
  const { Model, info, roomOn, multipliesBfloat16 } = own;
  const named = (device: string): string => device.replace(/^cuda/, 'testdevice');
  beforeAll(() => {
    own.Model = class extends Model {
      constructor(graph: GraphSpec, options: NativeModelOptions) {
        super(graph, { ...options, device: named(options.device) });
      }
    };
    own.info = () => ({ ...info(), cudaDevices: 1 });
    own.roomOn = (device) => roomOn(named(device));
    own.multipliesBfloat16 = (device) => multipliesBfloat16(named(device));
  });
  afterAll(() => {
    Object.assign(own, { Model, info, roomOn, multipliesBfloat16 });
  });
  return testDevice();
}
