#!/usr/bin/env node
/** The command line: parses, dispatches, and turns every error into a message and an exit code. */
import { Command, CommanderError } from 'commander';
import { errorCodes, LmError } from '../errors.ts';
import { packageVersion } from '../native/binaries.ts';
import { addDoctor } from './doctor.ts';
import { addEvaluate } from './evaluate.ts';
import { addInfo } from './info.ts';
import { addPredict } from './predict.ts';
import { addSetup } from './setup.ts';
import { addTrain } from './train.ts';

const exits = `
Exit codes: 0 done, 1 failed, ${errorCodes.ERR_CONFIG.exit} wrong option, ${errorCodes.ERR_FILE.exit} wrong file, \
${errorCodes.ERR_NOT_FINITE.exit} not finite, ${errorCodes.ERR_LIBTORCH_NOT_FOUND.exit} machine not ready, 130 interrupted.`;

function program(): Command {
  const root = new Command('lm-resnet')
    .description(
      'Train, study and serve ResNet-family image classifiers as numerical ODE integrators, on libtorch.',
    )
    .version(packageVersion())
    .addHelpText('after', exits)
    .exitOverride();
  for (const add of [addTrain, addEvaluate, addPredict, addInfo, addSetup, addDoctor]) add(root);
  for (const command of root.commands) command.exitOverride();
  return root;
}

/** Prints an error; returns the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : errorCodes.ERR_CONFIG.exit;
  if (!(error instanceof LmError)) {
    console.error(error);
    return 1;
  }
  const hint = error.hint === undefined ? '' : `\n${error.hint}`;
  console.error(`error ${error.code}: ${error.message}${hint}`);
  if (process.argv.includes('--json')) {
    const { code, message } = error;
    console.log(JSON.stringify({ error: { code, message, hint: error.hint ?? null } }));
  }
  return error.exitCode;
}

// A reader that goes away early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
