/** The checkpoint that a command is about: a file, or the one of a run folder. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LmError } from '../errors.ts';
import { errnoOf, fileError } from '../files.ts';
import { runFileNames } from '../run/folder.ts';
import { tellNotes } from './notes.ts';

/** What an argument that `checkpointPath` takes is. */
export const checkpointHelp =
  'a file that train or Model.save wrote, or a run folder: its best, else its last';

/**
 * A file is taken as it is; of a run folder it is the best checkpoint, or the last where nothing was
 * evaluated: a note says which.
 *
 * @throws ERR_FILE when there is none.
 */
export async function checkpointPath(
  path: string,
  flags: { readonly quiet?: boolean | undefined } = {},
): Promise<string> {
  const found = await kindOf(path);
  if (found === null || !found.isDirectory()) return path; // who reads it says what is wrong with it
  const [best, last] = [join(path, runFileNames.best), join(path, runFileNames.newest)];
  if ((await kindOf(best)) !== null) {
    tellNotes([{ notes: [`${best}: of the best evaluation of the run; the last is ${last}`] }], flags);
    return best;
  }
  if ((await kindOf(last)) === null)
    throw new LmError(
      'ERR_FILE',
      `Expected a run folder for \`${path}\` but received one without a checkpoint`,
      { hint: `A run writes ${runFileNames.newest} when it begins: give that file, or another folder.` },
    );
  tellNotes([{ notes: [`${last}: the last checkpoint of the run, which has no best`] }], flags);
  return last;
}

/** Null where there is nothing. */
async function kindOf(path: string): Promise<Awaited<ReturnType<typeof stat>> | null> {
  return stat(path).catch((cause: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(cause) ?? '')) return null;
    throw fileError(cause, 'a checkpoint or a run folder', path);
  });
}
