/** Where a model computes: what `device` comes to on this machine. */
import { expected } from '../errors.ts';
import { must } from '../must.ts';
import { libtorchInUse, native } from '../native/load.ts';
import { type CudaFacts, cudaProblem, driverRelease, hasDriver } from '../setup/driver.ts';

/** Told of a note: Node's warnings, which a program can catch or silence, unless somebody else is. */
let tell = (note: string): void => process.emitWarning(note, { code: 'LM_RESNET_DEVICE' });
let told = false;

/** Has notes of the device go elsewhere than to Node's warnings: the command line prints its own. */
export function tellDeviceNotes(to: (note: string) => void): void {
  tell = to;
}

/**
 * The device that a choice comes to: for 'auto' the first CUDA device where there is one, else the CPU, which
 * is told once where CUDA was to be expected.
 *
 * @throws ERR_DEVICE for one of CUDA that is not there, with what is in the way.
 */
export function chosenDevice(choice: string): string {
  const cuda = /^cuda(?::(\d+))?$/.exec(choice);
  if (choice !== 'auto' && cuda === null) return choice;
  const devices = native().info().cudaDevices;
  const facts: CudaFacts = {
    libtorch: must(libtorchInUse()),
    devices,
    driver: hasDriver(),
    release: driverRelease(),
  };
  if (cuda !== null) return checkDevice(choice, facts);
  const note = told ? null : fallbackNote(facts);
  if (note !== null) tell(note);
  told = told || note !== null;
  return devices > 0 ? 'cuda' : 'cpu';
}

/** What is to be said where `auto` comes to the CPU; null when that is no surprise. */
export function fallbackNote(facts: CudaFacts): string | null {
  const problem = cudaProblem(facts);
  if (problem === null || !problem.unexpected) return null;
  return `device auto computes on the CPU: ${problem.reason}. ${problem.remedy} With \`cpu\` this is not told.`;
}

/**
 * A device of CUDA, if it is there.
 *
 * @throws ERR_DEVICE when it is not.
 */
export function checkDevice(choice: string, facts: CudaFacts): string {
  const { devices } = facts;
  const problem = cudaProblem(facts);
  if (problem !== null) {
    const hint = `${problem.reason.replace(/^t/, 'T')}. ${problem.remedy}`;
    throw expected('ERR_DEVICE', 'the only device here, "cpu",', 'model.device', choice, { hint });
  }
  if (Number(choice.split(':')[1] ?? 0) < devices) return choice;
  const last = devices > 1 ? ` to "cuda:${devices - 1}"` : '';
  throw expected('ERR_DEVICE', `"cpu" or "cuda:0"${last}`, 'model.device', choice, {
    hint: `\`npx lm-resnet doctor\` says which GPUs, driver and libtorch there are.${hiding()}`,
  });
}

function hiding(): string {
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  if (visible === undefined) return '';
  return ` CUDA_VISIBLE_DEVICES is "${visible}": the devices that it names are counted from 0, others are hidden.`;
}
