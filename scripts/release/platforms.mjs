// The platforms that binaries are published for. `proven`: packed, installed and used here; the others are
// made by the release workflow from the same files and were not run.
export const platforms = {
  'linux-x64': { os: 'linux', cpu: 'x64', libc: 'glibc', proven: true },
  'linux-arm64': { os: 'linux', cpu: 'arm64', libc: 'glibc', proven: false },
  'darwin-arm64': { os: 'darwin', cpu: 'arm64', proven: false },
  'win32-x64': { os: 'win32', cpu: 'x64', proven: false },
};

/** Name of the package with the binaries for a platform; src/setup/binaries.ts looks for it. */
export const packageOf = (platform) => `lm-resnet-${platform}`;
