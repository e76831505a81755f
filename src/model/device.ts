/** Where a model computes. */
import { expected, type LmError } from '../errors.ts';
import { native } from '../native/load.ts';

/** The device that a choice comes to: for 'auto' the first CUDA device where there is one, else the CPU. */
export function chosenDevice(choice: string): string {
  const { cudaDevices } = native().info();
  if (choice === 'auto') return cudaDevices > 0 ? 'cuda' : 'cpu';
  const cuda = /^cuda(?::(\d+))?$/.exec(choice);
  if (cuda !== null && Number(cuda[1] ?? 0) >= cudaDevices) throw notThere(choice, cudaDevices);
  return choice;
}

function notThere(choice: string, count: number): LmError {
  const last = count > 1 ? ` to "cuda:${count - 1}"` : '';
  const devices = count === 0 ? 'the only device here, "cpu",' : `"cpu" or "cuda:0"${last}`;
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  const hidden =
    visible === undefined
      ? ''
      : ` CUDA_VISIBLE_DEVICES is "${visible}": the devices that it names are counted from 0, others are hidden.`;
  return expected('ERR_DEVICE', devices, 'model.device', choice, {
    hint: `\`npx lm-resnet doctor\` says which GPUs, driver and libtorch there are.${hidden}`,
  });
}
