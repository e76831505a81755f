/** What libtorch asks of the machine: operating system, processor and C library. */

/** Oldest C library that libtorch runs on, 2.13 to 2.15 (their wheels are manylinux_2_28). */
const oldestGlibc = '2.28';

/** Version of the GNU C library such as "2.36"; null on other systems and C libraries (musl). */
export function glibcVersion(): string | null {
  if (process.platform !== 'linux') return null;
  const report: unknown = process.report.getReport();
  const header = typeof report === 'object' && report !== null ? Reflect.get(report, 'header') : undefined;
  const version = header === undefined ? undefined : Reflect.get(Object(header), 'glibcVersionRuntime');
  return typeof version === 'string' ? version : null;
}

/** Why libtorch cannot run on this machine, with what would; null when it can. */
export function platformProblem(
  platform: string = process.platform,
  glibc: string | null = glibcVersion(),
): string | null {
  if (platform !== 'linux')
    return `lm-resnet runs on Linux with glibc >= ${oldestGlibc}; this is ${platform}`;
  if (glibc === null) {
    return 'libtorch needs the GNU C library and this system has another one (musl, as in Alpine); use an image based on Debian, Ubuntu or Fedora';
  }
  if (!tooOld(glibc, oldestGlibc)) return null;
  return `libtorch needs glibc >= ${oldestGlibc} and this system has ${glibc}; use a newer release of the system`;
}

/** True if version `found` of a library, such as "2.36", is older than `needed`. */
export function tooOld(found: string, needed: string): boolean {
  return found.localeCompare(needed, 'en', { numeric: true }) < 0;
}
