#!/usr/bin/env node
/** The executable `lm-resnet`. */
import { runCommand } from './program.ts';

// A reader that goes away early (`| head`) is no error; one of the progress does not end the work.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.stderr.on('error', () => {});

process.exitCode = await runCommand(process.argv.slice(2));
