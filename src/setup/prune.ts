/** Makes of a build of libtorch with CUDA one without. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Libraries that need those of CUDA beyond libcudart and libcupti, which libtorch_cpu.so itself asks for. */
const ofCuda = /^lib(torch_cuda\w*|c10_cuda|torch_nvshmem|torch_python|caffe2_nvrtc|torch)\.so$/;

/**
 * Deletes the libraries of libtorch below `folder` (as pip fills it) that need CUDA; libtorch_cpu.so works
 * without them. Nothing is deleted of a build without CUDA.
 */
export async function dropCuda(folder: string): Promise<void> {
  const lib = join(folder, 'torch', 'lib');
  const names = await readdir(lib).catch((): string[] => []);
  if (!names.includes('libtorch_cuda.so')) return;
  for (const name of names.filter((name) => ofCuda.test(name))) {
    await rm(join(lib, name));
  }
}
