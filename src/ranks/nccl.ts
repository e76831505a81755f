/** The library of NCCL, which sums what lies on CUDA devices of several ranks. */
import { LmError } from '../errors.ts';
import { libtorchInUse } from '../native/load.ts';
import { presentBinaries } from '../setup/binaries.ts';

/**
 * Checks that ranks can train on a device: any on the CPU; on CUDA devices those that have the library of
 * NCCL, which `LM_RESNET_NCCL` names or which lies beside the addon.
 *
 * @param libraries by minor release of libtorch.
 * @throws ERR_ADDON_MISSING where it is not there.
 */
export function requireNccl(
  device: string,
  env: NodeJS.ProcessEnv = process.env,
  libraries: Readonly<Record<string, string>> = presentBinaries().nccl,
): void {
  if (device === 'cpu' || env.LM_RESNET_NCCL) return;
  const minor = libtorchInUse()?.minor ?? '';
  if (libraries[minor] !== undefined) return;
  throw new LmError(
    'ERR_ADDON_MISSING',
    `Expected lm_nccl-${minor}.so beside the addon, for several ranks on \`${device}\`, but it is not there`,
    {
      hint: 'Build it where the package is (no device is needed): `node scripts/nccl.mjs`, then `node scripts/build.mjs --nccl`; or train on the CPU: --device cpu.',
    },
  );
}
