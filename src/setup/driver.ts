/** Whether CUDA can be used, and what is in its way. */
import { existsSync } from 'node:fs';
import type { LibtorchFolder } from './examine.ts';

/** Files that NVIDIA's driver makes, on Linux and on its subsystem in Windows. */
const driverFiles = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'] as const;

/** True if there is a driver of NVIDIA's GPUs; in a container: if it was let in. */
export function hasDriver(): boolean {
  return driverFiles.some((file) => existsSync(file));
}

export interface CudaFacts {
  readonly libtorch: Pick<LibtorchFolder, 'flavour' | 'version'>;
  /** How many libtorch sees. */
  readonly devices: number;
  readonly driver: boolean;
}

export interface CudaProblem {
  readonly reason: string;
  /** What to do, as one sentence. */
  readonly remedy: string;
  /** True if part of what CUDA needs is there, so that its absence is a surprise. */
  readonly unexpected: boolean;
}

/** Why there is no device of CUDA; null when there is one. */
export function cudaProblem({ libtorch, devices, driver }: CudaFacts): CudaProblem | null {
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
  return {
    reason: `this libtorch (${libtorch.version}) has CUDA and there is a driver, but no GPU is seen`,
    remedy:
      'The driver may be older than this CUDA needs (`nvidia-smi` says which it can), or CUDA_VISIBLE_DEVICES hides the GPU.',
    unexpected: true,
  };
}
