/** Whether CUDA can be used, and what is in its way. */
import { existsSync, readFileSync } from 'node:fs';
import type { LibtorchFolder } from './examine.ts';

/** Files that NVIDIA's driver makes, on Linux and on its subsystem in Windows. */
const driverFiles = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'] as const;

/** True if there is a driver of NVIDIA's GPUs; in a container: if it was let in. */
export function hasDriver(): boolean {
  return driverFiles.some((file) => existsSync(file));
}

/** Its release, such as 580.65.06, where it says so in a file; null elsewhere. */
export function driverRelease(file: string = driverFiles[0]): string | null {
  if (!existsSync(file)) return null;
  return /Kernel Module.*?\s(\d{3,}(?:\.\d+)+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? null;
}

/** The oldest driver for each major release of CUDA, as NVIDIA's release notes have it. */
const oldestDriver: Readonly<Record<string, number>> = { 11: 450, 12: 525, 13: 580 };

export interface CudaFacts {
  readonly libtorch: Pick<LibtorchFolder, 'flavour' | 'version'>;
  /** How many libtorch sees. */
  readonly devices: number;
  readonly driver: boolean;
  /** That of the driver, where it is known. */
  readonly release?: string | null;
}

export interface CudaProblem {
  readonly reason: string;
  /** What to do, as one sentence. */
  readonly remedy: string;
  /** True if part of what CUDA needs is there, so that its absence is a surprise. */
  readonly unexpected: boolean;
}

/** Why there is no device of CUDA; null when there is one. */
export function cudaProblem({ libtorch, devices, driver, release }: CudaFacts): CudaProblem | null {
  if (devices > 0) return null;
  if (libtorch.flavour === 'cpu') {
    return {
      reason: `this libtorch (${libtorch.version}) is without CUDA`,
      remedy: 'Run `npx lm-resnet setup --cuda`, which installs one with it.',
      unexpected: driver,
    };
  }
  if (!driver) {
    return {
      reason: `this libtorch (${libtorch.version}) has CUDA, but no driver of an NVIDIA GPU was found`,
      remedy: 'Install the driver; a container is let at it by `docker run --gpus all`.',
      unexpected: true,
    };
  }
  const oldest = oldestDriver[/\+cu(\d+)\d$/.exec(libtorch.version)?.[1] ?? ''];
  if (oldest !== undefined && release && Number.parseInt(release, 10) < oldest)
    return {
      reason: `the driver, ${release}, is too old for this libtorch (${libtorch.version}), which needs ${oldest} or newer`,
      remedy: 'Install a newer driver; on a cluster its administrators do.',
      unexpected: true,
    };
  return {
    reason: `this libtorch (${libtorch.version}) has CUDA and there is a driver, but no GPU is seen`,
    remedy:
      'The driver may be older than this CUDA needs (`nvidia-smi` says which it can), or CUDA_VISIBLE_DEVICES hides the GPU.',
    unexpected: true,
  };
}
