/** What ranks must have alike, whatever they do. */
import { libtorchInUse, native } from '../native/load.ts';
import { packageVersion } from '../setup/binaries.ts';

/** Versions of the code and of libtorch. */
export function versions(): Readonly<Record<string, unknown>> {
  return { version: packageVersion(), libtorch: libtorchInUse()?.version, ops: native().info().ops };
}
