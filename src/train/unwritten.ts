/** Files of a run that cannot be written: no reason to end it, but one to tell of at once. */
import { isLmError, type LmError } from '../errors.ts';
import type { TrainEvent, UnwrittenEvent } from '../run/events.ts';
import type { RunFiles } from '../run/runFiles.ts';

/** The event of an error of the file system. */
export function unwritten(step: number, { message, hint = '' }: LmError): UnwrittenEvent {
  return { type: 'unwritten', step, reason: [message, hint].filter((text) => text !== '').join('. ') };
}

/**
 * Tells of events, and writes them down; what cannot be written is told of once, until it could be.
 *
 * @param emit tells whoever listens.
 */
export function writtenDown(
  files: RunFiles,
  emit: (event: TrainEvent) => void,
): (event: TrainEvent) => Promise<void> {
  let failing = false;
  return async (event) => {
    emit(event);
    try {
      await files.log(event);
      failing = false;
    } catch (error) {
      if (!isLmError(error, 'ERR_FILE')) throw error;
      if (!failing) emit(unwritten(event.step, error));
      failing = true;
    }
  };
}
