#!/usr/bin/env node
/** The executable `lm-resnet`. */
import { nodeProblem } from '../nodeVersion.ts';

const problem = nodeProblem();
if (problem !== null) {
  console.error(problem);
  process.exit(5);
}

// A reader that goes away early (`| head`) is no error; one of the progress does not end the work. A terminal
// that was closed (EIO) takes no result: the work ends as it would.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  if (error.code !== 'EIO') throw error;
});
process.stderr.on('error', () => {});

// Not before: an older Node fails to link it.
const { runCommand } = await import('./program.ts');
process.exitCode = await runCommand(process.argv.slice(2));
