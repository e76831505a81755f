/**
 * The releases of libtorch that the sources are for. Its C++ interface is not stable across minor releases,
 * so there is an addon for each.
 */

/** What `lm-resnet setup` installs, one release for each minor, newest first. */
export const libtorchReleases = ['2.15.0', '2.14.1', '2.13.0'] as const;

/** Minor releases that the sources are for, newest first; `native/core/libtorch.h` has the same. */
export const libtorchMinors: readonly string[] = libtorchReleases.map(minorOf);

/** Minor release of a version: "2.13" of "2.13.0+cpu". */
export function minorOf(version: string): string {
  return /^\d+\.\d+(?![^.+-])/.exec(version)?.[0] ?? version;
}

/** Minor releases as a sentence has them: "2.15, 2.14 or 2.13". */
export function anyOf(minors: readonly string[]): string {
  return minors.join(' or ');
}

/** Orders versions, or texts that begin with one, the newest first. */
export function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}
