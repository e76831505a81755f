/** Files and folders that programs leave beside images. */

/** Of Synology, QNAP, Windows, ext4, macOS archives, Python. */
const names: readonly string[] = [
  '@eaDir',
  '@Recycle',
  '@Recently-Snapshot',
  '#recycle',
  '#snapshot',
  '$RECYCLE.BIN',
  'System Volume Information',
  'lost+found',
  '__MACOSX',
  '__pycache__',
];

/**
 * True for a name that begins with a dot (`.ipynb_checkpoints`, `._1.jpg`,
 * `.DS_Store`) or that a system gives its own folders (`@eaDir`, `__MACOSX`).
 */
export function isHidden(name: string): boolean {
  return (name.startsWith('.') && name !== '.' && name !== '..') || names.includes(name);
}

/** True for a path with such a part. */
export function isHiddenPath(path: string): boolean {
  return path.split('/').some(isHidden);
}
